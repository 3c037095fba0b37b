"""Why a file stands as it does, in the words of its page and of the refusals of its address. Pure."""

from collections.abc import Sequence

from mirror.events import presentable
from mirror.index.reasons import kept_reason, when_gone, why_withheld
from mirror.model import Cause, FileFacts, State
from mirror.targets import RecordedAct
from watcher.checking.evidence import Orders

_MOST_SHOWN = 3
_DIGITS_SHOWN = 12


def reason_of(file: FileFacts, orders: Orders) -> str:
    """Why the file is in its state, without a full stop."""
    match file.state:
        case State.LIVE:
            return "upstream lists it"
        case State.YANKED:
            said = presentable(file.listed_file.yanked)
            return f"yanked upstream: {said}" if said else "yanked upstream, no reason given"
        case State.KEPT:
            return kept_reason(file)
        case State.PURGED:
            return f"purged{by_whom(orders.purge_of(file.sha256))}"
        case State.LOST:
            return f"its bytes could not be had any more{when_gone(file)}"
        case State.HELD | State.BLOCKED:
            return f"{file.state} by this mirror: {why_withheld(file)}{_details(file, orders)}{when_gone(file)}"


def by_whom(act: RecordedAct | None) -> str:
    """By whom something was done, and why."""
    return f" by the operator of this mirror: {presentable(act.reason)}" if act else " by the operator of this mirror"


def named(files: Sequence[FileFacts]) -> str:
    """A few of these files, with the beginnings of their digests."""
    shown = ", ".join(_named(file) for file in files[:_MOST_SHOWN])
    return f"{shown} and {len(files) - _MOST_SHOWN} more" if len(files) > _MOST_SHOWN else shown


def _named(file: FileFacts) -> str:
    digest = f"sha256 {file.sha256[:_DIGITS_SHOWN]}..." if file.sha256 is not None else "no digest yet"
    return f"{presentable(file.filename)} ({file.state}, {digest})"


def _details(file: FileFacts, orders: Orders) -> str:
    if file.cause is Cause.ADVISORY:
        return f" ({', '.join(file.advisories[:_MOST_SHOWN])})"
    act = orders.acts.get(file.blocked_by) if file.cause is Cause.OPERATOR and file.blocked_by is not None else None
    return f" ({presentable(act.reason)})" if act is not None else ""
