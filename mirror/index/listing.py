"""The list of all projects as bytes, in pieces: nobody needs to hold as much as 750,000 projects at once.

Projects are given in the order of their normalised names, in as many batches as one likes.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from mirror.index.render import API_VERSION, escaped
from mirror.names import ProjectName, Serial

Listing: TypeAlias = Sequence[tuple[ProjectName, str, Serial | None]]
"""Projects as (name, display name, the serial of their page)."""

_encoder = msgspec.json.Encoder(order="sorted")


class ListForm(Protocol):
    """One form of the list. The list is `begin()`, `rows` of each batch, and `end()`, one after the other."""

    def begin(self) -> bytes:
        """What stands before the first project."""
        ...

    def rows(self, batch: Listing) -> bytes:
        """Some more projects."""
        ...

    def end(self) -> bytes:
        """What stands behind the last project."""
        ...


class JsonList:
    """The JSON form (PEP 691)."""

    def __init__(self, serial: Serial | None) -> None:
        self._serial = serial
        self._is_first = True

    def begin(self) -> bytes:
        """The page's own keys."""
        meta: dict[str, object] = {"api-version": API_VERSION}
        if self._serial is not None:
            meta["_last-serial"] = self._serial
        return _encoder.encode({"meta": meta, "projects": []}).removesuffix(b"]}")

    def rows(self, batch: Listing) -> bytes:
        """Some more projects, with the serials of their pages where there are any."""
        if not batch:
            return b""
        listed = [
            {"name": display_name} if last is None else {"_last-serial": last, "name": display_name}
            for _, display_name, last in batch
        ]
        comma = b"" if self._is_first else b","
        self._is_first = False
        return comma + _encoder.encode(listed)[1:-1]

    def end(self) -> bytes:
        """The closing brackets."""
        return b"]}\n"


class HtmlList:
    """The HTML form (PEP 503), with links relative to the list."""

    def __init__(self, serial: Serial | None) -> None:
        self._serial = serial

    def begin(self) -> bytes:
        """The head, and the start of the body."""
        lines = [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "  <head>",
            f'    <meta name="pypi:repository-version" content="{API_VERSION}">',
            "    <title>Simple index</title>",
            "  </head>",
            "  <body>",
        ]
        return "".join(f"{line}\n" for line in lines).encode()

    def rows(self, batch: Listing) -> bytes:
        """Some more links."""
        return "".join(f'<a href="{escaped(row[0])}/">{escaped(row[1])}</a>\n' for row in batch).encode()

    def end(self) -> bytes:
        """The end of the page, and the serial where there is one."""
        comment = "" if self._serial is None else f"\n<!--SERIAL {int(self._serial)}-->"
        return f"</body>\n</html>{comment}".encode()
