"""What an installer sees: project pages and the list of projects. Pure: nothing here reads or writes anything.

- `merge`      what is remembered of a project -> what its page offers
- `render`     an offer -> the bytes of a page, JSON or HTML, with their compressed form and ETags
- `negotiate`  request headers -> which of those bytes to send
- `json_api`   an offer, and what a release says of itself -> the documents of PyPI's JSON API
- `paths`      a file <-> the path below which this mirror serves it
- `reasons`    why a file is withheld, or listed though it is gone upstream, in the same words everywhere
- `siblings`   what stands beside a file: its metadata and its provenance
"""
