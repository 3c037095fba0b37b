"""The way in: a file of any of the formats, told by its name or else by its content. Pure but for `beside`."""

import re
from collections.abc import Callable
from typing import Any

from mirror.events import presentable
from watcher.locks import LeftOut, Lock, LockError, Pin
from watcher.locks.documents import toml_of
from watcher.locks.listed_files import read_listed_files
from watcher.locks.pipfile import read_pipfile
from watcher.locks.pylock import read_pylock
from watcher.locks.requirements import read_requirements
from watcher.locks.uv import read_uv

LARGEST = 32 * 2**20
"""How large a file may be, in bytes. That is ten times what the largest projects lock."""

_PYLOCK = re.compile(r"pylock\.([^.]+\.)?toml")
_TOML_BY_NAME = {"uv.lock": read_uv, "poetry.lock": read_listed_files, "pdm.lock": read_listed_files}
# No line of a requirements file begins with a bracket, or with a name and a single equals sign. Its options do with a
# dash, and may have one.
_TABLE_OR_KEY = re.compile(r"\[|(?!-)[A-Za-z0-9_\"'.-]{1,300}+\s*=(?!=)")
_BEGINNING = 65_536


def read_lock(filename: str, content: bytes, *, beside: Callable[[str], bytes] | None = None) -> Lock:
    """What the file demands; `filename` may be a path, or empty, and is what the sources of pins begin with.

    `beside` opens what a requirements file names by -r and -c, by its path from there; it may raise OSError. Raises
    LockError, whatever the bytes are.
    """
    shown = presentable(filename.replace("\\", "/")) or "the file"
    if len(content) > LARGEST:
        raise LockError(f"{shown} is larger than {LARGEST // 2**20} MiB")
    name = shown.rpartition("/")[2].lower()
    if name == "pipfile.lock":
        return read_pipfile(shown, content)
    if _PYLOCK.fullmatch(name):
        return read_pylock(shown, toml_of(shown, content))
    if name in _TOML_BY_NAME:
        return _TOML_BY_NAME[name](shown, toml_of(shown, content))
    return _by_content(shown, content, beside)


def _by_content(filename: str, content: bytes, beside: Callable[[str], bytes] | None) -> Lock:
    # What is no UTF-8 is a requirements file, or nothing.
    beginning = content[:_BEGINNING].decode("utf-8-sig", errors="replace")
    lines = (line.strip() for line in beginning.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("{"):
        return read_pipfile(filename, content)
    if _TABLE_OR_KEY.match(first):
        return _toml_by_content(filename, toml_of(filename, content))
    return read_requirements(filename, content, beside=beside)


def _toml_by_content(filename: str, document: dict[str, Any]) -> Lock:
    if "lock-version" in document or "packages" in document:
        return read_pylock(filename, document)
    # Only Poetry and PDM have something to say about the lock as a whole.
    return read_listed_files(filename, document) if "metadata" in document else read_uv(filename, document)


__all__ = ["LARGEST", "LeftOut", "Lock", "LockError", "Pin", "read_lock"]
