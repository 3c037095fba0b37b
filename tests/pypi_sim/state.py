"""The state of the simulated index, and how an act writes itself into the journal.

Pure: no I/O, and the time comes from the clock it is given.
"""

from collections.abc import Callable
from datetime import datetime

from packaging.utils import canonicalize_name, canonicalize_version

from tests.pypi_sim.clock import Clock
from tests.pypi_sim.journal import Journal
from tests.pypi_sim.model import File, Project, RefusedError, Release, Row

Rows = tuple[Row, ...]


class State:
    """Projects, releases and files, the journal about them, and the bytes of everything ever uploaded."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.journal = Journal()
        self.projects: dict[str, Project] = {}
        self.stored: dict[str, File] = {}
        self.used_filenames: set[str] = set()
        self.listed_contents: set[str] = set()
        self.prohibited: set[str] = set()
        self.frozen_users: set[str] = set()
        self.purge_listeners: list[Callable[[tuple[str, ...]], None]] = []
        self.deletion_listeners: list[Callable[[File], None]] = []
        self._numbered = 0
        self._listing: dict[str, int] | None = None

    def project(self, name: str) -> Project:
        """The living project of that name, however it is spelled."""
        found = self.projects.get(canonicalize_name(name))
        if found is None:
            raise RefusedError(f"there is no project {name}")
        return found

    def release(self, project: str, version: str) -> Release:
        """The release of that version; 1.0 and 1.0.0 are the same one."""
        found = self.project(project).releases.get(canonicalize_version(version))
        if found is None:
            raise RefusedError(f"{project} has no release {version}")
        return found

    def packages_with_serials(self) -> dict[str, int]:
        """What `list_packages_with_serial` tells: cached, and not always purged when it should be."""
        if self._listing is None:
            pairs = ((project.name, project.last_serial) for project in self.projects.values())
            # Upstream keeps the answer as PostgreSQL jsonb, which orders keys by length first.
            self._listing = dict(sorted(pairs, key=lambda pair: (len(pair[0].encode()), pair[0].encode())))
        return self._listing

    # For acts

    def _create(self, name: str, user: str, at: datetime) -> Project:
        project = self._new_project(name, user, at)
        self.journal.append(name, None, "create", at=at)
        self.journal.append(name, None, f"add Owner {user}", at=at)
        return project

    def _new_project(self, name: str, user: str, at: datetime) -> Project:
        project = Project(name=name, created=at, number=self._number(), roles={user: "Owner"})
        self.projects[project.canonical] = project
        return project

    def _new_release(self, project: Project, file: File, *, requires: tuple[str, ...]) -> Release:
        release = Release(
            version=file.version,
            created=file.uploaded_at,
            number=self._number(),
            name=file.project,
            requires=requires,
            requires_python=file.requires_python,
        )
        project.releases[canonicalize_version(file.version)] = release
        return release

    def _number(self) -> int:
        self._numbered += 1
        return self._numbered

    def _record(
        self, project: Project, version: str | None, action: str, *, purge: bool = True, listing: bool = True
    ) -> Rows:
        row = self.journal.append(project.name, version, action, at=self.clock.now())
        project.last_serial = row.serial
        if listing:
            self._listing = None
        if purge:
            self._purge(project.canonical, listing=listing)
        return (row,)

    def _remove(self, project: Project, *, at: datetime, purge: bool) -> Rows:
        row = self.journal.append(project.name, None, "remove project", at=at)
        del self.projects[project.canonical]
        if purge:
            self._purge(project.canonical)
        releases = project.releases.values()
        self._deleted([file for release in releases for file in release.files_in_order()])
        return (row,)

    def _done(self, canonical: str, mark: int) -> Rows:
        rows = self.journal.since(mark)
        self.projects[canonical].last_serial = rows[-1].serial
        self._purge(canonical)
        return rows

    def _purge(self, canonical: str, *, listing: bool = True) -> None:
        """Purge what is kept about the project and, as long as not only a file changed, what is about all of them."""
        keys: tuple[str, ...] = (f"project/{canonical}",)
        if listing:
            self._listing = None
            keys += ("all-projects",)
        for listener in self.purge_listeners:
            listener(keys)

    def _deleted(self, files: list[File]) -> None:
        for file in files:
            self.listed_contents.discard(file.sha256)
            for listener in self.deletion_listeners:
                listener(file)
