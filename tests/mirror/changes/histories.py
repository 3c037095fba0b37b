"""One project's history, told in a test line by line: what its page and its journal said, and when."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mirror.actions import read_action
from mirror.changes import Step, Telling, by_absence, by_clock, by_page, by_rows, first_sight
from mirror.journal_rows import JournalRow
from mirror.model import FileFacts, ListedFile, Memory, ProjectFacts, ProjectPage, ProjectStatus, State
from mirror.names import ProjectName, Serial, Sha256
from mirror.setting_values import Reregistered
from mirror.states import Rules, judged

NAME = ProjectName("demo")
NOW = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
RULES = Rules(
    min_age=timedelta(hours=72),
    quarantine_memory=None,
    reregistered=Reregistered.OWNER,
    cooldown=timedelta(hours=72),
)

OFFERED = frozenset({State.LIVE, State.YANKED, State.KEPT})


def row(serial: int, text: str, version: str | None = None, *, at: datetime = NOW) -> JournalRow:
    """A row of the journal as the client reads it."""
    return JournalRow(Serial(serial), NAME, "Demo", version, at, text, read_action(text, version))


def digest(text: str) -> Sha256:
    """The sha256 of a text, for files whose bytes do not matter."""
    return Sha256(hashlib.sha256(text.encode()).hexdigest())


def listed(
    version: str,
    *,
    build: str = "",
    kind: str = "wheel",
    content: str = "",
    yanked: str | None = None,
    uploaded: datetime | None = LONG_AGO,
) -> ListedFile:
    """A file as a page lists it; `content` makes other bytes of the same filename."""
    tag = f"-{build}" if build else ""
    filename = f"demo-{version}.tar.gz" if kind == "sdist" else f"demo-{version}{tag}-py3-none-any.whl"
    return ListedFile(
        filename=filename,
        url=f"https://files.example.org/{filename}",
        sha256=digest(filename + content),
        version=version,
        size=len(filename),
        upload_time=uploaded,
        yanked=yanked,
    )


def page(serial: int | None, *files: ListedFile, status: ProjectStatus = ProjectStatus.ACTIVE) -> ProjectPage:
    """A project page that is true up to this serial."""
    versions = tuple(dict.fromkeys(file.version for file in files if file.version is not None))
    return ProjectPage(NAME, Serial(serial) if serial is not None else None, status, versions, files)


@dataclass
class History:
    """What everpin remembers and has told of one project while a test goes through its history.

    Rows are remembered as the catalog remembers them, and pages are applied as `mirror.observe` applies them.
    """

    memory: Memory = field(
        default_factory=lambda: Memory(ProjectFacts(None, NAME, NAME, NOW - timedelta(days=500)), known=False)
    )
    journal: list[JournalRow] = field(default_factory=list)
    told: list[Telling] = field(default_factory=list)
    now: datetime = NOW

    def rows(self, *rows: JournalRow) -> "Step":
        """These rows are read from the journal in one batch."""
        self.journal.extend(rows)
        return self._took(by_rows(self.memory, rows, self.now, remembered=self.journal))

    def page(self, seen: ProjectPage) -> "Step":
        """This page is fetched; the first makes the project known."""
        if self.memory.known:
            return self._took(by_page(self.memory, seen, self.journal, self.now))
        pending = self.memory.pending
        first = first_sight(seen, self.journal, self.now)
        memory = replace(first.memory, project=replace(first.memory.project, id=1), pending=pending)
        return self._took(Step(memory, first.tellings))

    def absence(self) -> "Step":
        """Upstream says that it has no such page."""
        return self._took(by_absence(self.memory, self.now))

    def after(self, **span: float) -> "Step":
        """Time passes, and what is due is told."""
        self.now += timedelta(**span)
        return self._took(by_clock(self.memory, self.now))

    def store(self, *filenames: str) -> None:
        """The store gets these files' bytes, or those of all files where none is named."""
        self.memory = replace(
            self.memory,
            files=tuple(
                replace(file, stored_at=self.now) if not filenames or file.filename in filenames else file
                for file in self.memory.files
            ),
        )

    def file(self, filename: str, *, incarnation: int | None = None) -> FileFacts:
        """The one file of that name, in that incarnation where it is given, as it is judged now."""
        (found,) = (
            file
            for file in judged(self.memory, rules=RULES, now=self.now).files
            if file.filename == filename and incarnation in (None, file.incarnation)
        )
        return found

    def states(self) -> dict[str, str]:
        """Every file's state now, with its cause; of several with one name those that are offered, else the newest."""
        found: dict[str, str] = {}
        for file in sorted(judged(self.memory, rules=RULES, now=self.now).files, key=lambda f: f.state in OFFERED):
            found[file.filename] = f"{file.state} {file.cause}" if file.cause else str(file.state)
        return found

    def kinds(self) -> list[str]:
        """The kinds of what was told, in order."""
        return [str(telling.kind) for telling in self.told]

    def _took(self, step: Step) -> Step:
        self.memory = step.memory
        self.told.extend(step.tellings)
        return step


def known(*files: ListedFile, serial: int = 50, journal: Iterable[JournalRow] = ()) -> History:
    """A project that was seen at this serial with these files, all of which the store has."""
    history = History(journal=list(journal), now=NOW - timedelta(hours=1))
    history.page(page(serial, *files))
    history.store()
    history.now = NOW
    return history


def changed(memory: Memory, filename: str, **facts: object) -> Memory:
    """The memory with these facts of the files of that name changed by hand."""
    files = (replace(f, **facts) if f.filename == filename else f for f in memory.files)  # type: ignore[arg-type] # facts of any type
    return replace(memory, files=tuple(files))


ALICES = (row(40, "create"), row(41, "add Owner Alice"))
"""The rows of a project of alice's."""


def alices() -> History:
    """A project of hers that was known and kept."""
    return known(listed("1.0"), serial=50, journal=ALICES)


def taken(history: History, serial: int, by: str) -> None:
    """The project is removed and registered again by somebody."""
    history.rows(row(serial, "remove project"), row(serial + 1, "create"), row(serial + 2, f"add Owner {by}"))
