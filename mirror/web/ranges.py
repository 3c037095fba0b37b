"""Which part of a body a request asks for (RFC 9110 sections 13.1.5 and 14). Pure, of headers that anybody wrote.

One part is answered; where several are asked for the whole is, which section 14.2 leaves to the server. So is what
cannot be read, since a server must ignore that.
"""

import re
from dataclasses import dataclass

_UNIT = re.compile(r"\A[ \t]*bytes[ \t]*=(.*)\Z", re.ASCII | re.IGNORECASE | re.DOTALL)
_PART = re.compile(r"\A([0-9]*)-([0-9]*)\Z")
_LONGEST_NUMBER = 18
"""In digits. Whatever is longer lies beyond every body, and Python refuses to read numbers of thousands of digits."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to but without `stop`; never empty."""

    start: int
    stop: int

    def content_range(self, size: int) -> str:
        """The span of a body of that size as `Content-Range` tells it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


class UnsatisfiableError(ValueError):
    """The part that is asked for lies outside of the body."""


def asked_span(header: str | None, size: int) -> Span | None:
    """The part of a body of `size` bytes that a `Range` header asks for; None where the whole is to be sent.

    Raises UnsatisfiableError.
    """
    if header is None or (found := _UNIT.match(header)) is None:
        return None
    # Empty members of a list count as not sent (section 5.6.1.2).
    parts = [part for member in found[1].split(",") if (part := member.strip(" \t"))]
    if len(parts) != 1 or (matched := _PART.match(parts[0])) is None:
        return None
    first, last = matched[1], matched[2]
    if first:
        return _from(_number(first), _number(last) if last else None, size)
    return _tail(_number(last), size) if last else None


def if_range_holds(if_range: str | None, etag: str) -> bool:
    """Whether a part may be sent to one who holds what `If-Range` names.

    Dates never hold: no time of change is told, so none can be what somebody was told.
    """
    return if_range is None or if_range.strip(" \t") == etag


def if_match_holds(if_match: str | None, etag: str) -> bool:
    """Whether the body is one that the client insists on (strong comparison)."""
    if if_match is None or if_match.strip(" \t") == "*":
        return True
    return etag in (member.strip(" \t") for member in if_match.split(","))


def _from(first: int, last: int | None, size: int) -> Span | None:
    if last is not None and last < first:
        return None
    if first >= size:
        raise UnsatisfiableError
    return Span(first, size if last is None else min(last + 1, size))


def _tail(length: int, size: int) -> Span | None:
    if length == 0:
        raise UnsatisfiableError
    # The tail of an empty body is all of it, and `Content-Range` has no words for that.
    return Span(max(0, size - length), size) if size else None


def _number(digits: str) -> int:
    plain = digits.lstrip("0")
    return int(plain or "0") if len(plain) <= _LONGEST_NUMBER else 10**_LONGEST_NUMBER
