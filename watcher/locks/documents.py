"""TOML and JSON of others, decoded without trusting them. Pure."""

import re
from typing import Any, TypeVar

import msgspec

from mirror.events import presentable
from watcher.locks import LockError

_Shape = TypeVar("_Shape")

# The time that the parser takes grows with the square of a key's parts, and it makes half a dozen objects for each part
# of each key of a table, which are a thousand bytes. No lock has more than five in a row; names with dots are quoted.
_MOST_PARTS_OF_KEY = 10
_MOST_PARTS = 200_000
_TABLE = re.compile(r"^[ \t]*+\[", re.MULTILINE)
# Keys stand at the beginning of a line, and in inline tables.
_KEY = r"""(?:[A-Za-z0-9_-]{1,300}+|"(?:[^"\\\n]|\\.){0,300}+"|'[^'\n]{0,300}+')"""
_DOTTED = re.compile(rf"(?:^|[\[{{,])[ \t]*+(?:{_KEY}[ \t]*+\.[ \t]*+){{1,{_MOST_PARTS_OF_KEY}}}+", re.MULTILINE)


def toml_of(filename: str, content: bytes) -> dict[str, Any]:
    """The document. Raises LockError where it is none."""
    try:
        text = content.decode("utf-8-sig")
        _check_keys(filename, text)
        document: dict[str, Any] = msgspec.toml.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as e:  # ValueError: no UTF-8, or an endless number
        raise _unreadable(filename, e) from e
    return document


def json_of(filename: str, content: bytes) -> dict[str, msgspec.Raw]:
    """The parts of the document. Raises LockError where it is none."""
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, ValueError, RecursionError) as e:
        raise _unreadable(filename, e) from e


def shaped(filename: str, document: object, shape: type[_Shape]) -> _Shape:
    """What is needed of a document, or of a part of one. Raises LockError where it has another shape."""
    try:
        if isinstance(document, msgspec.Raw):
            return msgspec.json.decode(document, type=shape)
        return msgspec.convert(document, shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as e:
        raise _unreadable(filename, e) from e


def no_lock(filename: str) -> LockError:
    """What is said of a document that could be anything else as well."""
    return LockError(f"{filename} is no lock file: it names no packages")


def _check_keys(filename: str, text: str) -> None:
    parts = sum(1 for _ in _TABLE.finditer(text))
    for dotted in _DOTTED.finditer(text):
        of_key = dotted[0].count(".")
        parts += of_key
        if of_key >= _MOST_PARTS_OF_KEY:
            raise LockError(f"{filename} cannot be read as a lock file: a key has more than {_MOST_PARTS_OF_KEY} parts")
    if parts > _MOST_PARTS:
        raise LockError(f"{filename} cannot be read as a lock file: its keys have more than {_MOST_PARTS:,} parts")


def _unreadable(filename: str, failure: Exception) -> LockError:
    said = "it is nested too deeply" if isinstance(failure, RecursionError) else presentable(str(failure))
    return LockError(f"{filename} cannot be read as a lock file: {said}")
