"""The lines of a requirements file, joined and without comments as pip does it. Pure."""

import codecs
from collections.abc import Iterator

from watcher.locks import LockError
from watcher.locks.gathering import Place

_LONGEST_LINE = 262_144
"""With all that it goes on with. A line with the hashes of a thousand files is not half as long."""

# In this order: the mark of UTF-16 is the beginning of that of UTF-32. PowerShell writes UTF-16 where nobody asked.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of(filename: str, content: bytes) -> str:
    """UTF-8, or what a byte order mark says."""
    mark, encoding = next(((m, e) for m, e in _MARKS if content.startswith(m)), (b"", "utf-8"))
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as e:
        raise LockError(f"{filename} is not {encoding.upper().removesuffix('-LE').removesuffix('-BE')} text") from e


def lines_of(filename: str, text: str) -> Iterator[tuple[Place, str]]:
    """Each line that says something, with where it begins."""
    parts: list[str] = []
    length, begun = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        begun = begun if parts else number
        length = length + len(line) if parts else len(line)
        if length > _LONGEST_LINE:
            raise LockError(f"{Place(filename, begun)}: the line is longer than {_LONGEST_LINE:,} characters")
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line.rstrip("\\"))
            continue
        # A comment ends a line that goes on.
        parts.append(f" {line}" if is_comment else line)
        if said := _without_comment("".join(parts)):
            yield Place(filename, begun), said
        parts = []
    if "".join(parts).strip():
        raise LockError(f"{Place(filename, begun)}: the line goes on, but the file ends")


def _without_comment(line: str) -> str:
    """A comment begins at the line's beginning or behind a space: the fragment of a URL is none."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return (line if at < 0 else line[:at]).strip()
