"""Reads one row of the journal as XML-RPC delivers it.

Pure. A row that has the shape of a row always becomes a `JournalRow`; wording nobody told us of makes its action
`Other`. `BadRowError` is left for what has no such shape, and nothing else is ever raised. The texts of a row that
was read can be stored as UTF-8 and are bounded.
"""

from datetime import UTC, datetime
from typing import Final

from packaging.utils import canonicalize_name

from mirror.actions import read_action
from mirror.errors import EverpinError
from mirror.journal_rows import JournalRow, Other
from mirror.names import LARGEST_SERIAL, Serial, project_name

LONGEST_TEXT: Final = 2000
"""Names, versions and actions are cut after so many characters; no real one comes near."""
LONGEST_NO_NAME: Final = 256
"""What cannot be a project's name is looked up by no more characters: no index holds texts of any length."""

# PyPI's journal began in 2003. The bounds only keep out what cannot be a time in seconds, such as milliseconds.
_EARLIEST: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


class BadRowError(EverpinError, ValueError):
    """What was delivered does not have the shape of a row."""


def parse_row(raw: object) -> JournalRow:
    """The row in `[name, version or nil, seconds since 1970, action, serial]`.

    A name that no project can have, an empty version and a text that had to be cut all make the action `Other`: none
    of them names a thing whose fate could be decided. Raises BadRowError.
    """
    if not isinstance(raw, list | tuple):
        raise BadRowError(f"a journal row is a {type(raw).__name__}, not a list")
    if len(raw) != 5:
        raise BadRowError(f"a journal row has {len(raw)} elements, not 5")
    raw_name, raw_version, raw_time, raw_text, raw_serial = raw
    serial = _serial(raw_serial)
    name = _text(raw_name, "name", serial)
    version = None if raw_version is None else _text(raw_version, "version", serial)
    text = _text(raw_text, "action", serial)
    is_cut = max(len(name), len(version or ""), len(text)) > LONGEST_TEXT
    action = Other() if is_cut or project_name(name) is None else read_action(text, version)
    name = name[:LONGEST_TEXT]
    return JournalRow(
        serial=serial,
        project=project_name(name) or canonicalize_name(name[:LONGEST_NO_NAME]),
        name=name,
        version=None if version is None else version[:LONGEST_TEXT],
        time=_time(raw_time, serial),
        text=text[:LONGEST_TEXT],
        action=action,
    )


def _serial(value: object) -> Serial:
    # A bool is an int to isinstance; a row whose serial is `true` is not a row.
    if type(value) is not int:
        raise BadRowError(f"the serial of a journal row is a {type(value).__name__}, not an int")
    if not 0 < value <= LARGEST_SERIAL:
        raise BadRowError(f"the serial of a journal row is not between 1 and {LARGEST_SERIAL}")
    return Serial(value)


def _time(value: object, serial: Serial) -> datetime:
    if type(value) is not int:
        raise BadRowError(f"the time of journal row {serial} is a {type(value).__name__}, not an int")
    if not _EARLIEST <= value < _LATEST:
        raise BadRowError(f"the time of journal row {serial} does not lie between 1990 and 2200")
    return datetime.fromtimestamp(value, UTC)


def _text(value: object, what: str, serial: Serial) -> str:
    if not isinstance(value, str):
        raise BadRowError(f"the {what} of journal row {serial} is a {type(value).__name__}, not text")
    # Neither can stand in XML 1.0, and PostgreSQL would take neither: not from an honest sender, and not to be stored.
    if "\0" in value or not _is_encodable(value):
        raise BadRowError(f"the {what} of journal row {serial} has characters that no XML can carry")
    return value


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
