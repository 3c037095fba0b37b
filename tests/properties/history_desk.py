"""The desk of the pure part of everpin in a history: orders and advisories, and how they come to what is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from mirror.advisories import Advisory, read_advisory
from mirror.changes import Step as Change
from mirror.changes import Telling
from mirror.changes.advisories import first_judged, newcomers_judged
from mirror.changes.orders import Block, Obeyed, Standing, blocked_anew, purged, released, under_orders, unpurged
from mirror.event_kinds import EventKind
from mirror.events import Act
from mirror.model import Memory
from mirror.names import Sha256
from mirror.observe.judging import Court
from mirror.setting_values import Reregistered, Unexplained
from mirror.states import Circumstances, Rules
from mirror.targets import BytesTarget, FilesTarget, ProjectTarget, ReleaseTarget, Verb, covers, parse_target
from tests.osv_sim import OsvSim
from tests.properties.history_evidence import COOLDOWN, MIN_AGE, MIN_PROJECT_AGE, SETTLE
from tests.properties.history_nouns import Choice
from tests.properties.history_orders import Order

RULES = Rules(
    min_age=MIN_AGE,
    quarantine_memory=None,
    reregistered=Reregistered.OWNER,
    cooldown=COOLDOWN,
    min_project_age=MIN_PROJECT_AGE,
    settle=SETTLE,
    reads_advisories=True,
)
"""As they are set up where nothing else was chosen."""


@dataclass
class Desk:
    """What stands of orders and advisories."""

    rules: Rules
    around: Circumstances
    blocks: list[Block] = field(default_factory=list)
    buried: set[Sha256] = field(default_factory=set)
    known: dict[str, Advisory] = field(default_factory=dict)

    _acts: int = 0

    def court(self, now: datetime) -> Court:
        """Who judges now."""
        return Court(self.rules, now, self.around)

    def set_up(self, choice: Choice) -> None:
        """Other rules."""
        unexplained = Unexplained(choice.unexplained)
        self.rules = replace(RULES, unexplained=unexplained, new_release_delay=choice.delay)

    def news(self, osv: OsvSim) -> list[Advisory]:
        """The advisories that are new, or say something new."""
        read = [read_advisory(msgspec.json.encode(record)) for record in osv.records.values()]
        new = [one for one in read if one.id not in self.known or self.known[one.id].modified < one.modified]
        self.known |= {one.id: one for one in new}
        return new

    def applied(self, before: Memory, steps: Sequence[Change], court: Court) -> Sequence[Change]:
        """The steps with what they bring marked by the advisories and put under the orders that stand."""
        known = [one for one in self.known.values() if one.of(before.project.name) is not None]
        if before.project.id is None:
            last = steps[-1]
            steps = [*steps[:-1], replace(last, memory=first_judged(last.memory, known))]
        elif any(file.id is None for file in steps[-1].memory.files):
            steps = newcomers_judged(before, steps, known)
        standing = self._standing()
        if not any(file.id is None for file in steps[-1].memory.files):
            return steps
        return [replace(step, memory=under_orders(step.memory, standing, court.now)) for step in steps]

    def obey(self, memories: Sequence[Memory], order: Order, court: Court) -> list[tuple[Memory, Change]] | None:
        """What an order makes of these, which are all there are. None where it means nothing that is known."""
        target = parse_target(order.aim.text)
        assert isinstance(target, FilesTarget)
        verb = Verb(order.verb)
        digests = frozenset(
            file.sha256
            for memory in memories
            for file in memory.files
            if covers(target, memory.project.name, file) and file.sha256 is not None
        )
        is_meant = bool(digests)
        self._acts += 1
        if verb is Verb.BLOCK:
            self.blocks.append(Block(self._acts, target))
        elif not (verb is Verb.UNBLOCK and self._unblock(target)) and not is_meant:
            return None
        if verb is Verb.PURGE:
            digests -= self.buried
            self.buried |= digests
        elif verb is Verb.UNPURGE:
            digests &= self.buried
            self.buried -= digests
        act = Act(self._acts, verb, str(target), "so be it")
        done = []
        for before in memories:
            obeyed = self._obeyed(court.judged(before), verb, target, digests, court, as_was=order.as_was)
            if tellings := _tellings(before, obeyed, act, target):
                done.append((before, Change(obeyed.memory, tellings)))
        return done

    def _obeyed(
        self,
        memory: Memory,
        verb: Verb,
        target: FilesTarget,
        digests: frozenset[Sha256],
        court: Court,
        *,
        as_was: bool,
    ) -> Obeyed:
        match verb:
            case Verb.BLOCK | Verb.UNBLOCK:
                return blocked_anew(memory, target, self._standing())
            case Verb.RELEASE:
                return released(memory, target, self._acts, as_was=as_was)
            case Verb.PURGE:
                return purged(memory, target, digests, court.now)
            case Verb.UNPURGE:
                return unpurged(memory, target, digests)
            case Verb.ADOPT | Verb.REDACT:
                raise AssertionError("nobody in these histories brings bytes along, or has events withdrawn")

    def _standing(self) -> Standing:
        return Standing(tuple(self.blocks), frozenset(self.buried))

    def _unblock(self, target: FilesTarget) -> bool:
        left = [block for block in self.blocks if not _is_part(block.target, target)]
        ended = len(left) < len(self.blocks)
        self.blocks = left
        return ended


def _is_part(block: FilesTarget, target: FilesTarget) -> bool:
    match block, target:
        case BytesTarget(one), BytesTarget(other):
            return one == other
        case ProjectTarget(one) | ReleaseTarget(one), ProjectTarget(other):
            return one == other
        case ReleaseTarget(), ReleaseTarget():
            return (block.project, block.key) == (target.project, target.key)
    return False


def _tellings(before: Memory, obeyed: Obeyed, act: Act, target: FilesTarget) -> tuple[Telling, ...]:
    if not obeyed.files and not any(covers(target, before.project.name, file) for file in before.files):
        return ()
    version = target.version if isinstance(target, ReleaseTarget) else None
    takes_down = act.verb == Verb.PURGE and obeyed.files
    kinds = (EventKind.OPERATOR_ACT, *((EventKind.TAKEDOWN,) if takes_down else ()))
    return tuple(Telling(kind, None, obeyed.files, version=version, act=act) for kind in kinds)
