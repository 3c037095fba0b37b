"""What is noted beside an object, as headers carry it: for humans, and to find out what an object is.

Names come from upstream and may hold anything; headers hold ASCII. So they are percent-encoded.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from mirror.names import project_name
from mirror.store.keys import Blob, StoreKey

# A bucket takes 2 KiB for all of an object's notes.
_LONGEST = 600
_PLAIN = "!#$&'()*+,-./:;<=>@[]_~"


def notes(key: StoreKey, blob: Blob | None) -> dict[str, str]:
    """The headers. What is too long for them is left out."""
    found = {"sha256": str(key.sha256)}
    if blob is not None:
        found["filename"] = quote(blob.filename, safe=_PLAIN)
        found["project"] = blob.project
        if blob.version is not None:
            found["version"] = quote(blob.version, safe=_PLAIN)
    return {name: value for name, value in found.items() if len(value) <= _LONGEST}


def noted(headers: Mapping[str, str]) -> Blob | None:
    """What the headers say, None where they do not say what the object is."""
    project = project_name(headers.get("project", ""))
    filename = unquote(headers.get("filename", ""))
    if project is None or not filename:
        return None
    version = headers.get("version")
    return Blob(filename, project, unquote(version) if version is not None else None)
