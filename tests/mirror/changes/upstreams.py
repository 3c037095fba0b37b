"""A tiny model of upstream: one project, the rows its acts write, and its page as it was after each of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mirror.journal_rows import JournalRow
from mirror.model import ListedFile, ProjectPage, ProjectStatus
from tests.mirror.changes.histories import NOW, listed, page, row

VERSIONS = ("1.0", "2.0", "3.0rc1")
SPELLINGS = {"1.0": ("1.0", "1.0.0", "v1.0"), "2.0": ("2.0", "2"), "3.0rc1": ("3.0rc1", "3.0.RC1")}


@dataclass
class Release:
    """A version that exists now."""

    files: dict[str, ListedFile] = field(default_factory=dict)
    yanked: str | None = None
    quarantined: bool = False


@dataclass
class Upstream:
    """What upstream has, and everything it ever said.

    `pages` holds the page after each act, None where there was none. `taken` are files that left, `late` the names of
    those that came after their version, or an earlier life of the name, had ended, each with the serial of that end.
    """

    serial: int = 10
    lives: int = 0
    exists: bool = False
    quarantined: bool = False
    releases: dict[str, Release] = field(default_factory=dict)
    journal: list[JournalRow] = field(default_factory=list)
    pages: list[ProjectPage | None] = field(default_factory=list)
    taken: list[tuple[str, ListedFile]] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)
    _life_ended: int | None = None
    _builds: int = 0
    _seconds: int = 0

    def upload(self, version: str, *, announced: bool = True) -> None:
        """Puts up a file under a name never used before, if need be for a release or a project that did not exist."""
        if self.quarantined or (self.exists and self._is_quarantined(version)):
            return
        self._builds += 1
        self._put(version, listed(version, build=str(self._builds)), announced=announced)
        came_late = self._ended.get(version, self._life_ended)
        if came_late is not None:
            (filename,) = (name for name in self.releases[version].files if f"-{self._builds}-py3" in name)
            self.late[filename] = came_late

    def restore(self, place: int) -> None:
        """Puts back a file that left, bytes and all, as administrators did once."""
        if not self.taken or self.quarantined:
            return
        version, file = self.taken[place % len(self.taken)]
        if self.exists and self._is_quarantined(version):
            return
        if file.filename not in self.releases.get(version, Release()).files:
            self._put(version, replace(file, yanked=None), announced=True)

    def remove_file(self, version: str) -> None:
        """Removes one file; the release stays, perhaps empty."""
        release = self.releases.get(version)
        if release is None or not release.files:
            return
        filename = min(release.files)
        self.taken.append((version, release.files.pop(filename)))
        self._wrote(f"remove file {filename}", version)

    def remove_release(self, version: str, spelling: int) -> None:
        """Removes a release with its files, by one row."""
        release = self.releases.pop(version, None)
        if release is None:
            return
        self.taken.extend((version, file) for file in release.files.values())
        spellings = SPELLINGS[version]
        self._wrote("remove release", spellings[spelling % len(spellings)])
        self._ended[version] = self.serial

    def remove_project(self) -> None:
        """Removes everything, by one row."""
        if not self.exists:
            return
        self.taken.extend((version, file) for version, r in self.releases.items() for file in r.files.values())
        self.exists, self.quarantined, self.releases, self._ended = False, False, {}, {}
        self._wrote("remove project", None)
        self._life_ended = self.serial

    def yank(self, version: str, reason: str | None) -> None:
        """Yanks a release for a reason, or takes the yank back."""
        release = self.releases.get(version)
        if release is None or self.quarantined or release.quarantined or (reason is None and release.yanked is None):
            return
        release.yanked = reason
        self._wrote("unyank release" if reason is None else "yank release", version)

    def quarantine(self, version: str | None) -> None:
        """Quarantines the project or one of its releases, or clears that."""
        if version is None and self.exists:
            self.quarantined = not self.quarantined
            self._wrote("project quarantined" if self.quarantined else "project quarantine cleared", None)
        elif version in self.releases:
            release = self.releases[version]
            release.quarantined = not release.quarantined
            self._wrote("release quarantined" if release.quarantined else "release quarantine cleared", version)

    @property
    def shown(self) -> set[str]:
        """The filenames on the page."""
        last = self.pages[-1] if self.pages else None
        return {file.filename for file in last.files} if last is not None else set()

    @property
    def hidden(self) -> set[str]:
        """The filenames that a quarantine keeps off the page."""
        return {name for release in self.releases.values() for name in release.files} - self.shown

    def now(self) -> datetime:
        """The time of the last act."""
        return NOW + timedelta(seconds=self._seconds)

    def _is_quarantined(self, version: str) -> bool:
        return version in self.releases and self.releases[version].quarantined

    def _put(self, version: str, file: ListedFile, *, announced: bool) -> None:
        if not self.exists:
            self.exists = True
            self.lives += 1
            if announced:
                self._append("create", None)
        if version not in self.releases:
            self.releases[version] = Release()
            self._append("new release", version)
        self.releases[version].files[file.filename] = file
        self._wrote(f"add py3 file {file.filename}", version)

    def _append(self, text: str, version: str | None) -> None:
        self.serial += 1
        self._seconds += 1
        self.journal.append(row(self.serial, text, version, at=self.now()))

    def _wrote(self, text: str, version: str | None) -> None:
        self._append(text, version)
        self.pages.append(self._page())

    def _page(self) -> ProjectPage | None:
        if not self.exists:
            return None
        if self.quarantined:
            return page(self.serial, status=ProjectStatus.QUARANTINED)
        return page(self.serial, *self._files())

    def _files(self) -> Iterable[ListedFile]:
        for release in self.releases.values():
            if not release.quarantined:
                yield from (replace(file, yanked=release.yanked) for file in release.files.values())
