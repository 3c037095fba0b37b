"""Reads recorded HTTP answers and makes them comparable with the simulator's.

Contents were built differently, so digests and sizes are replaced on both sides; ports become names.
Everything else, times included, has to be the same to the byte.
"""

import ast
import gzip
import re
from dataclasses import dataclass
from pathlib import Path

_RECORDED_INDEX = "http://127.0.0.1:18300"
_RECORDED_FILES = "http://127.0.0.1:18301"

_MASKS = (
    (re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/"), "/packages/DIGEST/"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "MD5"),
    (re.compile(r'"size":\d+'), '"size":0'),
)
_DEPENDS_ON_BYTES = frozenset({"content-length", "etag", "ratelimit"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded exchange: what was asked, with a header if it mattered, and the whole answer."""

    method: str
    path: str
    accept: str | None
    request_body: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    def comparable_headers(self) -> dict[str, str]:
        """The headers whose values do not depend on the bytes of made-up files."""
        return comparable_headers(self.headers, index=_RECORDED_INDEX)

    def comparable_body(self) -> str:
        """The unpacked body with digests, sizes and ports replaced."""
        body = gzip.decompress(self.body) if "content-encoding" in self.headers else self.body
        return comparable_text(body.decode(), index=_RECORDED_INDEX, files=_RECORDED_FILES)


def read(path: Path) -> Recorded:
    """Read one recorded exchange."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    lines = head.decode().splitlines()
    comments = [line[2:] for line in lines if line.startswith("# ")]
    rest = [line for line in lines if not line.startswith("# ")]
    method, target, *accept = comments[0].split(" ", 2)
    return Recorded(
        method=method,
        path=target.replace(_RECORDED_INDEX, ""),
        accept=_accept(accept[0]) if accept else None,
        request_body="\n".join(comments[2:]).encode(),
        status=int(rest[0].split(" ")[1]),
        headers=dict(_header(line) for line in rest[1:]),
        body=body,
    )


def comparable_headers(headers: dict[str, str], *, index: str) -> dict[str, str]:
    """Headers by name, those that depend on bytes reduced to their presence."""
    return {
        name: "present" if name in _DEPENDS_ON_BYTES else value.replace(index, "{index}")
        for name, value in headers.items()
    }


def comparable_text(text: str, *, index: str, files: str) -> str:
    """Text with digests, sizes and ports replaced."""
    text = text.replace(index, "{index}").replace(files, "{files}")
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name.lower(), value


def _accept(note: str) -> str | None:
    if not note.startswith("{"):
        return None
    accept: str = ast.literal_eval(note)["Accept"]
    return accept
