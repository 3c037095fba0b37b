"""What clients see: handlers on aiohttp.web, and the pages and small files kept ready for them.

`quick` and `quick_files` are short ways to what is in memory (`short_way`, `prebuilt`); everything else goes the long
way: `simple`, `files` and `json_api` answer, from `pages`, `project_list`, `file_memory` and `json_documents`, or with
bodies that are sent (`stored_files`, `fetched_files`, `sending`). `withheld` says why a file is refused, `origin` under
which address we are known; `health` answers operators and their dashboards; `problems` turns errors into answers, once;
`access` logs requests, and `masked` is what logs show of addresses that are secrets; `app` puts them together.
"""
