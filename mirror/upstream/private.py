"""Which names are an operator's own: upstream is never asked for them, and what it says of them is served to nobody.

Who could register such a name upstream could otherwise hand out a package in the place of a private one. Pure.
"""

import re
from collections.abc import Iterable

from mirror.errors import PrivateNameError

_SEPARATORS = re.compile(r"[-_.]+")


class PrivateNames:
    """The set of names that any of the patterns matches; `*` stands for anything, also for nothing."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        # Normalised as PEP 503 does it with names, so that `Acme_*` means what it says.
        wanted = ("|".join(map(_expression, patterns))).lower()
        self._matches = re.compile(rf"\A(?:{wanted})\Z") if wanted else None

    def __contains__(self, name: object) -> bool:
        """Whether this normalised name is private."""
        return self._matches is not None and isinstance(name, str) and self._matches.match(name) is not None

    def refuse(self, name: str) -> None:
        """Raises PrivateNameError where the name is private."""
        if name in self:
            raise PrivateNameError(f"{name} is private to this mirror (upstream.private_names): upstream is not asked")

    def __bool__(self) -> bool:
        """Whether there are any at all."""
        return self._matches is not None


def _expression(pattern: str) -> str:
    parts = _SEPARATORS.sub("-", pattern).split("*")
    # Several stars in a row say no more than one.
    return ".*".join(re.escape(part) for number, part in enumerate(parts) if part or number in (0, len(parts) - 1))
