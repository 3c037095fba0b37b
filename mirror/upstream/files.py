"""Asking for a file's bytes, from allowed hosts only, on every hop.

Whether they are the right bytes is for the caller to find out.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager

from mirror.errors import NotThereError, RefusedError, UpstreamUnavailableError
from mirror.upstream.hosts import is_allowed
from mirror.upstream.session import Answer, UpstreamSession, shown

# File hosts answer 403 for what an object store does not hold, and 410 for what was taken away for good.
_NOT_THERE = frozenset({403, 404, 410})


class FileBody:
    """The body of a file that is about to arrive."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def size(self) -> int | None:
        """The announced size. None where there is none, or where it is that of an encoded body."""
        encoding = (self._answer.header("Content-Encoding") or "identity").strip().lower()
        return self._answer.length if encoding == "identity" else None

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes exactly as they were sent: never unpacked, since servers label `.tar.gz` as encoded by mistake."""
        return self._answer.pieces()


@asynccontextmanager
async def open_file(session: UpstreamSession, url: str, *, allowed_hosts: Collection[str]) -> AsyncIterator[FileBody]:
    """Upstream's answer for `url`, its body not yet read.

    Raises NotThereError for 403, 404 and 410, RefusedError for a host that is not allowed, and for everything else,
    a redirect to such a host included, UpstreamUnavailableError.
    """
    if not is_allowed(url, allowed_hosts):
        raise RefusedError(
            f"files are not fetched from the host of {shown(url)}; upstream.allowed_file_hosts lists those they are"
        )
    async with session.get(
        url, headers={"Accept-Encoding": "identity"}, may_follow=lambda target: is_allowed(target, allowed_hosts)
    ) as answer:
        if answer.status in _NOT_THERE:
            raise NotThereError(f"{shown(url)} answered {answer.status}")
        if answer.status != 200:
            raise UpstreamUnavailableError(f"{shown(url)} answered {answer.status}")
        yield FileBody(answer)
