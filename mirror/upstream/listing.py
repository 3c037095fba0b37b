"""What the list of all projects says (PEP 691): names and the serials of their last rows. Pure, of hostile text.

The list is believed as a whole or not at all, but for names that cannot be a project's, which are left out. It is a
hint and no more: it comes from a cache that nobody purges, and it leaves out what is quarantined.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from mirror.errors import UpstreamUnavailableError
from mirror.names import LARGEST_SERIAL, ProjectName, Serial, project_name

MOST_PROJECTS = 4_000_000
"""A list of more is refused: five times what PyPI has."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The projects that the index lists, each with the serial of its newest row where the index says it."""

    serials: Mapping[ProjectName, Serial | None]


class _Entry(msgspec.Struct, rename={"last_serial": "_last-serial"}, frozen=True, gc=False):
    name: str
    last_serial: Annotated[int, msgspec.Meta(ge=0)] | str | None = None


class _List(msgspec.Struct, frozen=True):
    projects: list[_Entry]


_decoder = msgspec.json.Decoder(_List)


def parse_listing(body: bytes) -> Listing:
    """The listing. Raises UpstreamUnavailableError where it cannot be believed, also where it lists nothing."""
    # Each entry has a brace, and takes far more memory than its text once it is read.
    if body.count(b"{") > MOST_PROJECTS:
        raise UpstreamUnavailableError(f"the list of projects has more than {MOST_PROJECTS} entries")
    try:
        entries = _decoder.decode(body).projects
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise UpstreamUnavailableError("the list of projects cannot be read") from e
    serials: dict[ProjectName, Serial | None] = {}
    # From the end, so that what was read is let go of while the rest is worked off.
    while entries:
        entry = entries.pop()
        if (name := project_name(entry.name)) is not None:
            serials[name] = _serial(entry.last_serial)
    if not serials:
        raise UpstreamUnavailableError("the list of projects is empty")
    return Listing(serials)


def _serial(told: int | str | None) -> Serial | None:
    if isinstance(told, str):
        told = int(told) if told.isascii() and told.isdecimal() and len(told) <= len(str(LARGEST_SERIAL)) else None
    return Serial(told) if told is not None and told <= LARGEST_SERIAL else None
