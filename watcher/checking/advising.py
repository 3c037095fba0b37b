"""What to do about a pin, said to whoever maintains the lock file. Pure."""

from mirror.model import Cause, FileFacts
from watcher.checking.evidence import Asked, Evidence
from watcher.checking.findings import PinState
from watcher.locks import Pin


def advice(
    pin: Pin, state: PinState, known: Evidence, *, file: FileFacts | None, cause: Cause | None, other: str
) -> str:
    """What to do about a pin in that state; empty where nothing needs to be done.

    `file` is what was judged, `cause` that of its state, or of what was never seen; `other` which release to move to.
    """
    match state:
        case PinState.LIVE:
            return ""
        case PinState.YANKED:
            return f"it installs, but upstream advises against it: {other}"
        case PinState.KEPT:
            return f"it works through this mirror, and nowhere else; {other}"
        case PinState.HELD:
            return _of_held(file, other)
        case PinState.BLOCKED:
            return f"do not install it; {_of_blocked(cause)}; {other}"
        case PinState.PURGED:
            return f"it will not come back here; {other}"
        case PinState.LOST:
            return f"whoever still has the file can give it back to this mirror with `everpin import`; {other}"
        case PinState.REPLACED:
            return f"do not give up the hash: see what became of the file, then lock anew; {other}"
        case PinState.UNKNOWN:
            return _of_unknown(pin, known, other)


def _of_held(file: FileFacts | None, other: str) -> str:
    if file is not None and file.cause is Cause.RESCUE:
        return "it is being fetched: check again in a few minutes"
    if file is not None and file.cause is Cause.SETTING:
        return f"only the operator of this mirror can change that (safety.serve_departed); {other}"
    if file is not None and file.state_until is not None:
        return f"wait until {file.state_until:%Y-%m-%d %H:%M} UTC, or choose another release: {other}"
    return f"it is not served before the operator of this mirror has looked at it and releases it; {other}"


def _of_blocked(cause: Cause | None) -> str:
    if cause is Cause.OPERATOR:
        return "ask the operator of this mirror why"
    return "where it was installed, take what that machine could read as known to others"


def _of_unknown(pin: Pin, known: Evidence, other: str) -> str:
    if known.asked is Asked.FAILED:
        return "upstream could not be asked for it in time: check again in a moment"
    if known.asked is Asked.ABSENT:
        return "upstream has no project of that name: look at how it is spelled, and at where it comes from"
    if known.project is None:
        return f"have this mirror look: `everpin keep {pin.project}`, or check with --mirror, which asks upstream"
    if known.asked is Asked.NOT:
        return f"if it is newer than this mirror's last look, check with --mirror, which asks upstream; else {other}"
    return f"upstream does not offer it; {other}"
