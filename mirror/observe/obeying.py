"""What operators order, carried out on everything that is known: the files of one or of several projects."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from mirror.catalog import acts, projects
from mirror.catalog.database import Connection
from mirror.changes import Step, Telling
from mirror.changes.orders import Obeyed, Standing, set_right
from mirror.changes.step import key_of
from mirror.event_kinds import EventKind
from mirror.events import Act, EventDraft
from mirror.model import FileFacts, Memory
from mirror.names import ProjectName
from mirror.observe.judging import Court, convened
from mirror.observe.recalling import memory_of
from mirror.observe.storing import store
from mirror.observe.telling import Written, tell
from mirror.states import Rules
from mirror.targets import ReleaseTarget, Target, Verb, covers

Obey: TypeAlias = Callable[[Memory, Standing], Obeyed]
"""What an order makes of a project's memory, judged as of now, and of the orders that stand for it."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A file that an act is about, before it and after it."""

    project: ProjectName
    before: FileFacts
    after: FileFacts


async def order(
    conn: Connection,
    act: Act,
    names: Iterable[ProjectName],
    *,
    target: Target,
    obey: Obey,
    rules: Rules,
    now: datetime,
) -> tuple[Ordered, ...]:
    """Carries out an act on these projects, and tells it of each of them whose files it is about, or of none."""
    court = await convened(conn, rules, now)
    about: list[Ordered] = []
    written: list[Written] = []
    for before in await _memories(conn, names):
        obeyed = obey(court.judged(before), await _standing(conn, before))
        step = Step(obeyed.memory, _tellings(before, obeyed, act, target))
        written.append(await store(conn, before, [step], court))
        about += _ordered(before, obeyed, court)
    if not any(one.drafts for one in written):
        written.append(_about_nothing(act, court))
    await tell(conn, written)
    return tuple(about)


async def overlooked(conn: Connection, names: Iterable[ProjectName], *, rules: Rules, now: datetime) -> None:
    """Puts under the orders that stand what was stored while they were being given."""
    court = await convened(conn, rules, now)
    written = []
    for before in await _memories(conn, names):
        after = set_right(before, await _standing(conn, before), now)
        written.append(await store(conn, before, [Step(after)], court))
    await tell(conn, written)


async def _memories(conn: Connection, names: Iterable[ProjectName]) -> list[Memory]:
    """Those that are known of these projects, locked in the order of their names."""
    locked = await projects.lock(conn, names)
    return [await memory_of(conn, locked[name]) for name in sorted(locked)]


async def _standing(conn: Connection, memory: Memory) -> Standing:
    return await acts.standing(conn, memory.project.name, [file.sha256 for file in memory.files])


def _tellings(before: Memory, obeyed: Obeyed, act: Act, target: Target) -> tuple[Telling, ...]:
    name = before.project.name
    if not obeyed.files and not any(covers(target, name, file) for file in before.files):
        return ()
    version = target.version if isinstance(target, ReleaseTarget) and target.project == name else None
    takes_down = act.verb == Verb.PURGE and obeyed.files
    kinds = (EventKind.OPERATOR_ACT, *((EventKind.TAKEDOWN,) if takes_down else ()))
    return tuple(Telling(kind, None, obeyed.files, version=version, act=act) for kind in kinds)


def _ordered(before: Memory, obeyed: Obeyed, court: Court) -> list[Ordered]:
    chosen = set(obeyed.files)
    known = {key_of(file): file for file in court.judged(before).files}
    after = court.judged(obeyed.memory)
    name = before.project.name
    # What an act brought in was not there before it.
    return [Ordered(name, known.get(key_of(file), file), file) for file in after.files if key_of(file) in chosen]


def _about_nothing(act: Act, court: Court) -> Written:
    """Of an act that is about nothing that is known: it is told all the same."""
    draft = EventDraft(
        kind=EventKind.OPERATOR_ACT,
        project=None,
        version=None,
        serial=None,
        upstream_time=None,
        observed_at=court.now,
        evidence=None,
        act=act,
    )
    # A name is needed only where a page changed.
    return Written(ProjectName(""), (draft,), changed=False)
