"""Paths as they may stand in a log: without what makes an address a secret."""

import re
from urllib.parse import unquote

_PRIVATE = re.compile(r"/(?:feed|api/v1)/(?:[^?]*/)?locks(?=[^\w-])", re.IGNORECASE)
_ENDINGS = (".atom", ".rss", ".json", "/events", "/stream")


def masked(path: str) -> str:
    """The path, with or without a query, as it came; of one to a lock's private feed, the part that is no secret.

    Whoever knows such an address can read the feed, and a query there can name an address to send its events to.
    """
    # However it is spelt: also what the router would not find may hold the token, by a slip of whoever wrote it.
    found = _PRIVATE.search(unquote(unquote(path)))
    if found is None:
        return path
    plain = unquote(path.partition("?")[0])
    ending = next((ending for ending in _ENDINGS if plain.endswith(ending)), "")
    return f"{found.string[: found.end()]}/***{ending}"
