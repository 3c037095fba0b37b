"""Which pins of a lock file are this mirror's business. Pure."""

from collections.abc import Iterable

from mirror.upstream.private import PrivateNames
from watcher.locks import LeftOut, Pin
from watcher.locks.origins import of_index

PRIVATE = "is private to this mirror, which knows nothing of it (upstream.private_names)"


def own_pins(
    pins: Iterable[Pin], *, origins: Iterable[str], private: PrivateNames
) -> tuple[tuple[Pin, ...], tuple[LeftOut, ...]]:
    """The pins that this mirror can have delivered, and the others with the reason.

    `origins` are URLs under which its index, or that which it mirrors, is known to lock files.
    """
    of_origins, elsewhere = of_index(pins, origins)
    kept = tuple(pin for pin in of_origins if pin.project not in private)
    hidden = tuple(LeftOut(pin.source, pin.project, PRIVATE) for pin in of_origins if pin.project in private)
    return kept, elsewhere + hidden
