"""Which representation a request's headers ask for: format, compression, or none because the client has it already.

Headers come from anybody: nothing here raises, and a member that cannot be read counts as not sent. Read first:
RFC 9110 sections 12.4.2, 12.5.1 and 13.1.2, and PEP 691 on version and format selection.
"""

import re
from collections.abc import Iterator
from enum import StrEnum


class ContentType(StrEnum):
    """What pages are offered as, in the order that decides between equally wanted ones.

    The order is PyPI's: who has no preference, such as a browser or `*/*`, gets HTML. Installers rank JSON first.
    """

    HTML = "text/html"
    V1_HTML = "application/vnd.pypi.simple.v1+html"
    V1_JSON = "application/vnd.pypi.simple.v1+json"

    @property
    def is_json(self) -> bool:
        return self is ContentType.V1_JSON

    @property
    def header(self) -> str:
        """The value of `Content-Type`, with the charset where a client would otherwise have to guess it."""
        return "text/html; charset=UTF-8" if self is ContentType.HTML else self.value


# PEP 691: `latest` asks for the newest version that the index has; the answer names the version it got.
_NAMES: dict[ContentType, frozenset[str]] = {
    ContentType.HTML: frozenset({"text/html"}),
    ContentType.V1_HTML: frozenset({ContentType.V1_HTML.value, "application/vnd.pypi.simple.latest+html"}),
    ContentType.V1_JSON: frozenset({ContentType.V1_JSON.value, "application/vnd.pypi.simple.latest+json"}),
}
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name for a word of a header, no secret
_RANGE = re.compile(rf"\A{_TOKEN}/{_TOKEN}\Z")
_CODING = re.compile(rf"\A{_TOKEN}\Z")
_QUALITY = re.compile(r"\A(?:0?\.[0-9]+|0\.?|1(?:\.0*)?)\Z")
_ETAG = re.compile(r'(?:W/)?("[^"]*")')


def choose(accept: str | None) -> ContentType | None:
    """The best offer for an `Accept` header, None where the client takes none of them (406).

    A missing header, or one without a single readable member, means HTML.
    """
    ranges: dict[str, float] = {}
    for media_range, quality in _members(accept or ""):
        whole = "*/*" if media_range == "*" else media_range
        if _RANGE.match(whole):
            ranges[whole] = max(quality, ranges.get(whole, 0.0))
    if not ranges:
        return ContentType.HTML
    qualities = [(offer, _quality_of(offer, ranges)) for offer in ContentType]
    best, quality = max(qualities, key=lambda ranked: ranked[1])
    return best if quality > 0 else None


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the client said that it reads gzip; silence means no."""
    codings = {coding: quality for coding, quality in _members(accept_encoding or "") if _CODING.match(coding)}
    for name in ("gzip", "x-gzip", "*"):
        if name in codings:
            return codings[name] > 0
    return False


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client holds the body of this ETag already (weak comparison, lists, `*`)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in _ETAG.findall(if_none_match)


def _quality_of(offer: ContentType, ranges: dict[str, float]) -> float:
    """RFC 9110: the most specific range that matches has precedence, whatever the others say."""
    named = [ranges[name] for name in _NAMES[offer] if name in ranges]
    if named:
        return max(named)
    family = offer.value.partition("/")[0]
    return ranges.get(f"{family}/*", ranges.get("*/*", 0.0))


def _members(header: str) -> Iterator[tuple[str, float]]:
    """The members of a list with qualities, in lower case, without those whose quality is not a number from 0 to 1."""
    for member in header.split(","):
        value, *parameters = (part.strip().lower() for part in member.split(";"))
        qualities = [text.strip() for name, _, text in (p.partition("=") for p in parameters) if name.strip() == "q"]
        if not value:
            continue
        if not qualities:
            yield value, 1.0
        elif _QUALITY.match(qualities[0]):
            yield value, float(qualities[0])
