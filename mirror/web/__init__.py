"""What clients see: handlers on aiohttp.web, and the pages kept ready for them.

`pages` keeps rendered pages and decides when upstream must be asked; `simple` and `files` answer installers; `health`
answers operators and their dashboards; `problems` turns errors into answers, once; `app` puts them together.
"""
