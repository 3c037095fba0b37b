"""What a page says when it lies: bodies that are well-formed as far as they go, made to harm whoever believes them.

Nothing here is large: a bomb is small until somebody unpacks it, and what never ends repeats one block.
"""

import functools
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.pypi_sim import answers
from tests.pypi_sim.answers import Answer
from tests.pypi_sim.faults import PageFault

BOMB_UNPACKED = 160 * 2**20
"""How many bytes a bomb stands for."""

HOSTILE_FILENAMES = (
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "..\\..\\evil-1.0-py3-none-any.whl",
    "evil-1.0\n-py3-none-any.whl",
    "evil-1.0\r\nX-Injected: yes",
    "evil-1.0\x00-py3-none-any.whl",
    "evil-1.0\x1b[2J-py3-none-any.whl",
    "evil-1.0\u202elhw.whl",
    "evil-1.0\u200b.tar.gz",
    f"evil-1.0-{'y' * 100_000}.whl",
    "evil-1.0-" + "é" * 200 + ".whl",
)
"""Names that must not become part of a path, a header, a terminal's output or a sentence."""

HOSTILE_URLS = (
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,evil",
    "ftp://127.0.0.1/evil-1.0.tar.gz",
    "http://name:word@127.0.0.1/evil-1.0.tar.gz",
    "http://127.0.0.1\\@example.org/evil-1.0.tar.gz",
    "http://[broken/evil-1.0.tar.gz",
    "http://127.0.0.1:99999/evil-1.0.tar.gz",
    "http://127.0.0.1/evil\n-1.0.tar.gz",
    f"http://127.0.0.1/{'evil' * 25_000}.tar.gz",
)
"""Addresses that nobody should follow."""

MARKUP_FILENAME = "evil-1.0-<img src=x onerror=alert(1)>&\"'.whl"
"""A name that is harmless as long as it is escaped."""

_BLOCK = 64 * 2**10
_UNREADABLE_BYTES = b"\xff\xfe\xe9"


def told(answer: Answer, fault: PageFault | None, *, gzipped: bool) -> Answer:
    """The answer as it goes out under that fault, encoded; faults of the connection leave it as it is.

    Lies about names are told in JSON only.
    """
    if fault == "bomb":
        packed = bomb()
        headers = (*answer.headers, ("Content-Encoding", "gzip"), ("ETag", answers.entity_tag(packed)))
        return replace(answer, headers=headers, body=packed)
    return spoilt(answer, fault).encoded(gzipped=gzipped)


@functools.cache
def bomb() -> bytes:
    """A gzip member of some 160 kB that holds a JSON object of far more."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    blank = b" " * 2**20
    packed = [packer.compress(b'{"meta":{"api-version":"1.4"},"files":[')]
    packed += [packer.compress(blank) for _ in range(BOMB_UNPACKED // len(blank))]
    packed += [packer.compress(b"]}"), packer.flush()]
    return b"".join(packed)


def endless_page(name: str) -> Iterator[bytes]:
    """A page in JSON whose list of files goes on for ever."""
    entry: dict[str, Any] = {"filename": f"{name}-1.0.tar.gz", "hashes": {}, "url": f"../../{name}-1.0.tar.gz"}
    text = answers.compact_json(entry).rstrip() + b","
    head = answers.compact_json({"meta": {"api-version": "1.4"}, "name": name, "versions": ["1.0"]}).rstrip(b"}\n")
    return itertools.chain([head + b',"files":['], itertools.repeat(text * (_BLOCK // len(text))))


def endless_file(body: bytes) -> Iterator[bytes]:
    """The file, and then zeros without end."""
    return itertools.chain([body], itertools.repeat(bytes(_BLOCK)))


def spoilt(answer: Answer, fault: PageFault | None) -> Answer:
    if fault == "404":
        return answers.not_found_text()
    if fault == "garbage":
        return replace(answer, body=b'{"files": [oops')
    if fault == "no-files":
        return replace(answer, body=_emptied(answer.body))
    if fault == "empty":
        return replace(answer, body=b"")
    if answer.status != 200 or not answer.body.startswith(b"{"):
        return answer
    if fault == "hostile-names":
        return replace(answer, body=_with_hostile_names(answer.body))
    if fault == "another-project":
        return replace(answer, body=_changed(answer.body, name="another-project"))
    if fault == "not-utf8":
        return replace(
            answer, body=answer.body.replace(b'"versions":[', b'"versions":["' + _UNREADABLE_BYTES + b'",', 1)
        )
    return answer


def _emptied(body: bytes) -> bytes:
    if not body.startswith(b"{"):
        return re.sub(rb"<a .*\n", b"", body)
    document = json.loads(body)
    return answers.compact_json({key: [] if isinstance(value, list) else value for key, value in document.items()})


def _with_hostile_names(body: bytes) -> bytes:
    """The hostile entries stand before the honest ones; one more is not even text."""
    honest = json.loads(body)["files"]
    fair = {"hashes": {"sha256": "ab" * 32}, "url": "../../evil-1.0-py3-none-any.whl"}
    named = [{**fair, "filename": filename} for filename in (*HOSTILE_FILENAMES, MARKUP_FILENAME)]
    linked = [{**fair, "filename": f"evil-1.{n}.tar.gz", "url": url} for n, url in enumerate(HOSTILE_URLS)]
    odd: list[object] = [None, 7, "evil-1.0.tar.gz", [], {}, {**fair, "filename": "evil-1.0-UNREADABLE.whl"}]
    changed = _changed(body, files=[*named, *linked, *odd, *honest])
    return changed.replace(b"UNREADABLE", _UNREADABLE_BYTES)


def _changed(body: bytes, **keys: object) -> bytes:
    return answers.compact_json({**json.loads(body), **keys})
