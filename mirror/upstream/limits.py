"""What an answer says of how often its server may be asked: how long to leave it alone. Pure, of hostile text.

Read are `Retry-After` (RFC 9110) of a refusal, the fields `RateLimit` and `RateLimit-Policy` of the IETF's draft, both
as lists of `"name";r=<remaining>;t=<seconds>` and in the older form `limit=10, remaining=0, reset=5`, and the older
`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`. What cannot be read says nothing.
"""

import email.utils
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

LONGEST_PAUSE = 3600.0
"""Seconds; a longer one is not believed."""

UNTOLD_PAUSE = 60.0
"""Seconds to wait where a limit is used up and nobody says until when."""

_SHARE_LEFT = 10
"""Of what a limit allows, the last tenth is left to clients."""

_MOST_CHARACTERS = 2_000
_NAME = re.compile(r'\A\s*"?([^";,=]{1,200})"?\s*(?:;|\Z)')
_PARAMETER = {key: re.compile(rf";\s*{key}=(\d{{1,18}})\s*(?:;|\Z)") for key in "rtq"}
_OLDER = {
    key: re.compile(rf"(?:\A|[,;])\s*{key}=(\d{{1,18}})\s*(?:[,;]|\Z)") for key in ("limit", "remaining", "reset")
}


def told_pause(status: int, values: Callable[[str], Sequence[str]], now: datetime) -> float:
    """For how many seconds to leave the server alone; 0 where nothing says so. `values` gives a header's values."""
    pauses = [_refusal(status, values("Retry-After"), now)]
    quotas = _quotas(values("RateLimit-Policy"))
    fields = values("RateLimit")
    pauses += [_used_up(item, quotas) for item in _items(fields)]
    pauses += [_older(field) for field in _whole(fields)]
    remaining, reset = _first(values("RateLimit-Remaining")), _first(values("RateLimit-Reset"))
    pauses.append(_wait(remaining, _first(values("RateLimit-Limit")), reset))
    return min(max(pauses), LONGEST_PAUSE)


def _refusal(status: int, retry_after: Sequence[str], now: datetime) -> float:
    if status not in (429, 503):
        return 0.0
    told = _retry_after(retry_after[0], now) if retry_after else None
    if told is not None:
        return told
    # That a server is down for a moment is no wish to be left alone; that it counted too many requests is one.
    return UNTOLD_PAUSE if status == 429 else 0.0


def _retry_after(text: str, now: datetime) -> float | None:
    text = text.strip()[:_MOST_CHARACTERS]
    if (seconds := _number(text)) is not None:
        return float(seconds)
    try:
        at = email.utils.parsedate_to_datetime(text)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _quotas(fields: Sequence[str]) -> dict[str, int]:
    found = ((_name(item), _parameter(item, "q")) for item in _items(fields))
    return {name: quota for name, quota in found if name is not None and quota is not None}


def _used_up(item: str, quotas: dict[str, int]) -> float:
    """One item for each window, such as `"xmlrpc.client-0";r=12;t=31`."""
    quota = quotas.get(_name(item) or "")
    return _wait(_parameter(item, "r"), quota, _parameter(item, "t"))


def _older(field: str) -> float:
    limit, remaining, reset = (_older_number(field, key) for key in ("limit", "remaining", "reset"))
    return _wait(remaining, limit, reset)


def _wait(remaining: int | None, quota: int | None, reset: int | None) -> float:
    if remaining is None or remaining > (quota or 0) // _SHARE_LEFT:
        return 0.0
    return float(reset) if reset is not None else UNTOLD_PAUSE


def _name(item: str) -> str | None:
    found = _NAME.match(item)
    return found[1] if found else None


def _parameter(item: str, key: str) -> int | None:
    found = _PARAMETER[key].search(item)
    return int(found[1]) if found else None


def _older_number(field: str, key: str) -> int | None:
    found = _OLDER[key].search(field)
    return int(found[1]) if found else None


def _whole(fields: Sequence[str]) -> Iterable[str]:
    return [field[:_MOST_CHARACTERS] for field in fields[:10]]


def _items(fields: Sequence[str]) -> Iterable[str]:
    return ",".join(_whole(fields)).split(",")


def _first(values: Sequence[str]) -> int | None:
    return _number(values[0].strip()) if values else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
