"""One transaction's way of judging files: the same rules, time and circumstances for all it touches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror.advisories import Advisory
from mirror.catalog import advisories, circumstances
from mirror.catalog.database import Connection
from mirror.model import FileFacts, Memory, ProjectFacts
from mirror.names import ProjectName
from mirror.states import Circumstances, Judgement, Rules, judge, judged


@dataclass(frozen=True, slots=True)
class Court:
    """What judgements depend on besides the facts.

    `advisories` are those that name projects of which files are told that nobody knows here.
    """

    rules: Rules
    now: datetime
    around: Circumstances
    advisories: Mapping[ProjectName, tuple[Advisory, ...]] = field(default_factory=dict)

    def judge(self, file: FileFacts, project: ProjectFacts) -> Judgement:
        """The file's state."""
        return judge(file, project, rules=self.rules, now=self.now, around=self.around)

    def judged(self, memory: Memory) -> Memory:
        """The memory with the states of all its files."""
        return judged(memory, rules=self.rules, now=self.now, around=self.around)


async def convened(conn: Connection, rules: Rules, now: datetime) -> Court:
    """The court of this transaction."""
    return Court(rules, now, await circumstances.read(conn))


async def with_advisories(conn: Connection, court: Court, names: Iterable[ProjectName]) -> Court:
    """The court with the advisories that name these projects."""
    return replace(court, advisories=await advisories.of_projects(conn, names))
