"""Which pins are an index's business. Pure."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from mirror.events import presentable
from watcher.locks import LeftOut, Pin

_PORTS = {"http": 80, "https": 443}


def of_index(pins: Iterable[Pin], origins: Iterable[str]) -> tuple[tuple[Pin, ...], tuple[LeftOut, ...]]:
    """The pins that one of these origins, given by any URL of it, can have delivered; and the others, with the reason.

    Pins for which no index is named are kept: they are of whatever index their users have, and mostly that is PyPI.
    """
    wanted = {_origin(url) for url in origins}
    kept, left_out = [], []
    known: dict[str, bool] = {}
    for pin in pins:
        if pin.index is None or known.setdefault(pin.index, _origin(pin.index) in wanted):
            kept.append(pin)
        else:
            left_out.append(LeftOut(pin.source, pin.project, f"comes from another index: {presentable(pin.index)}"))
    return tuple(kept), tuple(left_out)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port. What cannot be read is an origin of its own."""
    try:
        split = urlsplit(url)
        return split.scheme, split.hostname, split.port or _PORTS.get(split.scheme)
    except ValueError:
        return url, None, None
