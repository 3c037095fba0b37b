"""An answer of the index host before it meets HTTP: what the cache keeps and the server sends."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, replace

CORS = (
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Allow-Headers",
        "Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since",
    ),
    ("Access-Control-Allow-Methods", "GET"),
    ("Access-Control-Max-Age", "86400"),
    ("Access-Control-Expose-Headers", "X-PyPI-Last-Serial"),
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long the content network may keep an answer, and which purges reach it."""

    keys: tuple[str, ...]
    max_age: int
    stale_while_revalidate: int = 0
    stale_if_error: int = 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The two headers that the content network reads (and, in production, removes)."""
        control = f"max-age={self.max_age}"
        if self.stale_while_revalidate:
            control += f", stale-while-revalidate={self.stale_while_revalidate}"
        control += f", stale-if-error={self.stale_if_error}"
        return ("Surrogate-Control", control), ("Surrogate-Key", " ".join(self.keys))


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body; the lifetime is absent where nothing may be cached."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    lifetime: Lifetime | None = None

    @property
    def etag(self) -> str | None:
        """The entity tag with its quotes."""
        return next((value for name, value in self.headers if name == "ETag"), None)

    def encoded(self, *, gzipped: bool) -> "Answer":
        """With the entity tag of the bytes that go out, compressed when that is wanted."""
        if self.status != 200:
            return self
        body = gzip.compress(self.body, mtime=0) if gzipped else self.body
        headers = self.headers
        if gzipped:
            headers += (("Content-Encoding", "gzip"),)
        if self.lifetime is not None:
            headers += (("ETag", entity_tag(body)),)
        return replace(self, headers=headers, body=body)

    def without_serial(self) -> "Answer":
        """As an index without a journal would send it."""
        kept = tuple(pair for pair in self.headers if pair[0] != "X-PyPI-Last-Serial")
        return replace(self, headers=kept)


def entity_tag(body: bytes) -> str:
    """A strong tag: base64 of the MD5 of the bytes that are sent, unpadded."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return f'"{base64.b64encode(digest).decode().rstrip("=")}"'


def compact_json(value: object) -> bytes:
    """JSON as the index renders it: sorted keys, no spaces, no escapes, a newline at the end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (text + "\n").encode()


def not_found_text() -> Answer:
    """The 404 of the simple index: no serial, no entity tag, nothing to cache it by."""
    headers = (*CORS, ("Vary", "Accept-Encoding"), ("Content-Type", "text/plain; charset=UTF-8"))
    return Answer(404, headers, b"404 Not Found")


def not_found_json(message: str = "Not Found") -> Answer:
    """The 404 of the JSON interfaces."""
    headers = (*CORS, ("Vary", "Accept-Encoding"), ("Content-Type", "application/json"))
    return Answer(404, headers, json.dumps({"message": message}).encode())


def not_found_html() -> Answer:
    """The 404 of everything that a browser may visit."""
    body = b"<!DOCTYPE html>\n<html><head><title>Page Not Found (404)</title></head><body>404</body></html>\n"
    headers = (*CORS, ("Vary", "Accept-Encoding"), ("Content-Type", "text/html; charset=UTF-8"))
    return Answer(404, headers, body)


def redirect(
    origin: str, path: str, *, extra: tuple[tuple[str, str], ...] = (), lifetime: Lifetime | None = None
) -> Answer:
    """A permanent redirect with an absolute target."""
    text = (
        f"301 Moved Permanently\n\nThe resource has been moved to {path}; you should be redirected automatically.\n\n"
    )
    headers = (("Location", origin + path), *extra, ("Content-Type", "text/plain; charset=UTF-8"))
    if lifetime is not None:
        headers += lifetime.headers()
    return Answer(301, headers, text.encode(), lifetime)
