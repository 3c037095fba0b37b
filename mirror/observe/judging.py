"""One transaction's way of judging files: the same rules, time and circumstances for all it touches."""

from dataclasses import dataclass
from datetime import datetime

from mirror.catalog import circumstances
from mirror.catalog.database import Connection
from mirror.model import FileFacts, Memory, ProjectFacts
from mirror.states import Circumstances, Judgement, Rules, judge, judged


@dataclass(frozen=True, slots=True)
class Court:
    """What judgements depend on besides the facts."""

    rules: Rules
    now: datetime
    around: Circumstances

    def judge(self, file: FileFacts, project: ProjectFacts) -> Judgement:
        """The file's state."""
        return judge(file, project, rules=self.rules, now=self.now, around=self.around)

    def judged(self, memory: Memory) -> Memory:
        """The memory with the states of all its files."""
        return judged(memory, rules=self.rules, now=self.now, around=self.around)


async def convened(conn: Connection, rules: Rules, now: datetime) -> Court:
    """The court of this transaction."""
    return Court(rules, now, await circumstances.read(conn))
