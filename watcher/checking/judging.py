"""How a pin stands, by what is known of its project. Pure.

A pin with a digest demands exactly these bytes; one without demands any file of its version, and stands as well as the
best of them. Bytes that are blocked or purged in one life of the name are so in all, as on the project's page.
"""

from collections import Counter
from collections.abc import Sequence

from mirror.advisories import covering
from mirror.events import presentable
from mirror.index.reasons import WHY
from mirror.model import Cause, FileFacts, State
from mirror.names import ProjectName, same_version_key
from mirror.targets import BytesTarget, FilesTarget, ProjectTarget, ReleaseTarget
from watcher.checking.advising import advice
from watcher.checking.evidence import Evidence
from watcher.checking.findings import Finding, PinState
from watcher.checking.outlook import Outlook
from watcher.checking.past import Past
from watcher.checking.shelf import Shelf
from watcher.checking.wording import by_whom, named, reason_of
from watcher.locks import Pin

_BEST_FIRST = tuple(State)


class Judge:
    """Judges the pins of one project; what they have in common is worked out once."""

    def __init__(self, known: Evidence) -> None:
        self._known = known
        self._outlook = Outlook(known.versions)
        self._past = Past(known.rows)
        self._malware = [(one.id, covering(said)) for one in known.advisories if (said := one.of(known.name))]
        self._blocks = [one for one in known.orders.standing.blocks if _may_cover(one.target, known.name)]
        self._shelf = Shelf(known.files)

    def judged(self, pin: Pin) -> Finding:
        """How the pin stands."""
        meant = self._shelf.meant(pin)
        if not meant:
            return self._without_file(pin)
        best = min(meant, key=lambda file: (_BEST_FIRST.index(file.state), file.filename != pin.filename))
        reason = reason_of(best, self._known.orders)
        if pin.sha256 is None and len(meant) > 1:
            reason = f"{_counted(meant)}; {reason}"
        is_one = pin.sha256 is not None or len(meant) == 1
        filename = best.filename if is_one else None
        return self._finding(pin, PinState(best.state), reason, file=best, cause=best.cause, filename=filename)

    def _without_file(self, pin: Pin) -> Finding:
        state, reason, cause = self._forbidden(pin) or (*self._missing(pin), None)
        removal = self._past.removal_of(pin)
        if removal is not None and state is not PinState.PURGED:
            reason += f"; the journal has it removed upstream on {removal.time:%Y-%m-%d} (serial {removal.serial})"
        return self._finding(pin, state, reason, cause=cause)

    def _forbidden(self, pin: Pin) -> tuple[PinState, str, Cause] | None:
        """Whether what was never seen here would not be served if it were."""
        orders = self._known.orders
        if pin.sha256 in orders.standing.tombstones:
            return PinState.PURGED, f"purged{by_whom(orders.purge_of(pin.sha256))}", Cause.OPERATOR
        for block in self._blocks:
            if _covers(block.target, pin):
                return PinState.BLOCKED, f"blocked{by_whom(orders.acts.get(block.act))}", Cause.OPERATOR
        ids = [advisory for advisory, covers in self._malware if covers(pin.version)]
        if ids:
            said = f"blocked by this mirror: {WHY[Cause.ADVISORY]} ({', '.join(ids[:3])})"
            return PinState.BLOCKED, said, Cause.ADVISORY
        row = self._past.quarantine_of(pin)
        if row is not None:
            said = f"quarantined upstream since {row.time:%Y-%m-%d} (serial {row.serial})"
            return PinState.BLOCKED, said, Cause.QUARANTINE
        if self._known.project is not None and self._known.project.quarantined_by is not None:
            return PinState.BLOCKED, "its project is quarantined upstream", Cause.QUARANTINE
        return None

    def _missing(self, pin: Pin) -> tuple[PinState, str]:
        if self._known.project is None:
            return PinState.UNKNOWN, f"{pin.project} was never seen by this mirror"
        if pin.version is None:
            return PinState.UNKNOWN, f"no file of {pin.project} with that sha256 was ever seen by this mirror"
        release, others = f"{pin.project} {pin.version}", self._shelf.of_version(pin)
        if not others:
            return PinState.UNKNOWN, f"{release} was never seen by this mirror"
        namesakes = [file for file in others if file.filename == pin.filename]
        if pin.sha256 is None:
            return PinState.REPLACED, f"{release} is here without that file: {named(others)}"
        if any(file.sha256 is None for file in namesakes or others):
            return PinState.UNKNOWN, f"upstream names no digest of {release}, and its bytes were not seen yet"
        return PinState.REPLACED, f"{release} is here, but not with that sha256: {named(namesakes or others)}"

    def _finding(
        self,
        pin: Pin,
        state: PinState,
        reason: str,
        *,
        file: FileFacts | None = None,
        cause: Cause | None,
        filename: str | None = None,
    ) -> Finding:
        other = self._outlook.instead_of(pin.version)
        said = advice(pin, state, self._known, file=file, cause=cause, other=other)
        return Finding(pin, state, presentable(reason), presentable(said), pin.filename or filename)


def _may_cover(target: FilesTarget, project: ProjectName) -> bool:
    return isinstance(target, BytesTarget) or target.project == project


def _covers(target: FilesTarget, pin: Pin) -> bool:
    """Whether the pin is meant by a block that may cover its project."""
    match target:
        case ProjectTarget():
            return True
        case ReleaseTarget():
            return pin.version is not None and target.key == same_version_key(pin.version)
        case BytesTarget(digest):
            return digest == pin.sha256


def _counted(files: Sequence[FileFacts]) -> str:
    counts = Counter(file.state for file in files)
    shown = ", ".join(f"{counts[state]} {state}" for state in _BEST_FIRST if counts[state])
    return f"{len(files)} files: {shown}"
