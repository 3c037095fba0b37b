"""Which representation a request gets, decided as upstream decides it."""

TEXT_HTML = "text/html"
SIMPLE_HTML = "application/vnd.pypi.simple.v1+html"
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"

_OFFERS = (TEXT_HTML, SIMPLE_HTML, SIMPLE_JSON)


def media_type(accept: str | None) -> str:
    """The offer with the highest quality, the first among equals; HTML when nothing fits or is asked."""
    if accept is None:
        return TEXT_HTML
    ranges = _parse(accept)
    rated = [(offer, _quality(offer, ranges)) for offer in _OFFERS]
    acceptable = [pair for pair in rated if pair[1] > 0]
    if not acceptable:
        return TEXT_HTML
    return max(acceptable, key=lambda pair: pair[1])[0]


def wants_gzip(accept_encoding: str | None) -> bool:
    """Whether the client takes gzip."""
    if accept_encoding is None:
        return False
    return dict(_parse(accept_encoding)).get("gzip", 0.0) > 0


def _parse(header: str) -> list[tuple[str, float]]:
    ranges = []
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                quality = _number(value)
        if name:
            ranges.append((name.lower(), quality))
    return ranges


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _quality(offer: str, ranges: list[tuple[str, float]]) -> float:
    wildcard = f"{offer.split('/')[0]}/*"
    for pattern in (offer, wildcard, "*/*"):
        for name, quality in ranges:
            if name == pattern:
                return quality
    return 0.0
