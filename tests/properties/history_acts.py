"""Steps of a history, and what each does to the simulated index: acts of its users and its administrators, and faults.

A step is a verb and three small numbers, so that a failing history shrinks well; a number picks from whatever is there
at that moment, and an act that the index refuses does nothing.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from tests.pypi_sim import File, PyPISim, RefusedError
from tests.pypi_sim.model import Kind, Project

PROJECTS = ("demo", "other-lib", "third-one")
VERSIONS = ("1.0", "1.0.0", "1.1", "2.0rc1")
_KINDS: tuple[tuple[Kind, str | None], ...] = (("wheel", None), ("sdist", None), ("wheel", "1"), ("wheel", "2"))
_AGES = (timedelta(days=200), timedelta(hours=72), timedelta(hours=71, minutes=59), timedelta(0))
_REASONS = ("", "broken", "too <old>", "x" * 30)
_COMERS = ("upload", "upload_young", "upload_same_name", "register")
SPANS = (timedelta(seconds=10), timedelta(seconds=61), timedelta(seconds=130), timedelta(hours=2), timedelta(days=4))


@dataclass(frozen=True)
class Step:
    """What happens next."""

    verb: str
    project: int = 0
    this: int = 0
    that: int = 0

    @property
    def name(self) -> str:
        """The project's name."""
        return PROJECTS[self.project]

    @property
    def version(self) -> str:
        """A version."""
        return VERSIONS[self.this % len(VERSIONS)]

    def __str__(self) -> str:
        return f"{self.verb}({self.project}, {self.this}, {self.that})"

    __repr__ = __str__


@dataclass
class Upstream:
    """The simulated index with what the acts must remember: every file ever uploaded, and those forgotten for good."""

    pypi: PyPISim
    uploads: list[File] = field(default_factory=list)
    contents: int = 0
    vanished: dict[str, Project] = field(default_factory=dict)
    """Projects that were there and are not, and no row tells of it."""
    wondered: set[str] = field(default_factory=set)
    """Projects with which something happened that no row tells of."""

    def act(self, step: Step) -> None:
        """Lets it happen, unless the index refuses."""
        if step.verb == "nothing":
            return
        if step.verb in _COMERS and step.name in self.vanished and step.name not in self.pypi.projects:
            return  # nobody can take a name that is only hidden
        with suppress(RefusedError):
            ACTS[step.verb](self, step)

    def is_listed(self, file: File) -> bool:
        """Whether the index has the file now, hidden or not."""
        return any(
            file is listed
            for project in self.pypi.projects.values()
            for release in project.releases.values()
            for listed in release.files.values()
        )

    # Users

    def upload(self, step: Step) -> None:
        kind, build_tag = _KINDS[step.that % 4]
        age = _AGES[(step.this + step.that) // 4 % 4]
        self.uploads.append(
            self.pypi.upload(
                step.name,
                step.version,
                kind=kind,
                build_tag=build_tag,
                uploaded_at=self.pypi.now() - age,
                user=None if step.name in self.pypi.projects else ("alice", "mallory")[step.that % 2],
            )
        )

    def upload_young(self, step: Step) -> None:
        kind, build_tag = _KINDS[step.that % 4]
        self.uploads.append(self.pypi.upload(step.name, step.version, kind=kind, build_tag=build_tag))

    def upload_same_name(self, step: Step) -> None:
        """Other bytes under a filename that was used before: no index should allow it, this one does."""
        used = [file for file in self.uploads if file.project == step.name]
        if not used:
            return
        file = used[step.this % len(used)]
        self.pypi.used_filenames.discard(file.filename)
        self.contents += 1
        content = f"{file.filename} for the {self.contents}th time".encode()
        uploaded_at = self.pypi.now() - _AGES[step.that % 4]
        self.uploads.append(
            self.pypi.upload(step.name, file.version, filename=file.filename, content=content, uploaded_at=uploaded_at)
        )

    def register(self, step: Step) -> None:
        self.pypi.register(step.name, ("alice", "mallory")[step.this % 2])

    def add_owner(self, step: Step) -> None:
        self.pypi.add_role(step.name, f"user{step.this}")

    def yank(self, step: Step) -> None:
        self.pypi.yank(step.name, step.version, _REASONS[step.that % 4])

    def unyank(self, step: Step) -> None:
        self.pypi.unyank(step.name, step.version)

    def delete_file(self, step: Step) -> None:
        files = [
            file for release in self.pypi.project(step.name).releases.values() for file in release.files_in_order()
        ]
        if files:
            self.pypi.admin_delete_file(step.name, files[step.this % len(files)].filename)

    def delete_release(self, step: Step) -> None:
        self.pypi.admin_delete_release(step.name, step.version)

    def unyank_and_delete(self, step: Step) -> None:
        self.pypi.unyank(step.name, step.version)
        self.pypi.delete_release(step.name, step.version)

    def delete_project(self, step: Step) -> None:
        self.pypi.admin_delete_project(step.name)

    def archive(self, step: Step) -> None:
        (self.pypi.archive if step.this % 2 == 0 else self.pypi.unarchive)(step.name)

    # Administrators

    def restore(self, step: Step) -> None:
        """A deleted file is back without a row."""
        gone = [file for file in self.uploads if file.project == step.name and not self.is_listed(file)]
        if gone and step.name in self.pypi.projects:
            self.pypi.restore_file(step.name, gone[step.this % len(gone)])
            self.wondered.add(step.name)

    def quarantine_project(self, step: Step) -> None:
        if self.pypi.project(step.name).status != "quarantined":
            self.pypi.quarantine_project(step.name)

    def clear_project(self, step: Step) -> None:
        if self.pypi.project(step.name).status == "quarantined":
            self.pypi.clear_project_quarantine(step.name)

    def quarantine_release(self, step: Step) -> None:
        if not self.pypi.release(step.name, step.version).quarantined:
            self.pypi.quarantine_release(step.name, step.version)

    def clear_release(self, step: Step) -> None:
        for release in self.pypi.project(step.name).releases.values():
            if release.quarantined:
                self.pypi.clear_release_quarantine(step.name, release.version)
                return

    def vanish(self, step: Step) -> None:
        """Something is gone and no row says so."""
        if self.pypi.project(step.name).status == "quarantined":
            return
        self.wondered.add(step.name)
        if step.that == 3:
            living = self.pypi.project(step.name)
            self.pypi.vanish_project(step.name)
            self.vanished[step.name] = living
        elif step.that == 2:
            files = [file for file in self.uploads if file.project == step.name and self.is_listed(file)]
            if files:
                self.pypi.vanish_file(step.name, files[step.this % len(files)].filename)
        else:
            self.pypi.vanish_release(step.name, step.version)

    def find_again(self, step: Step) -> None:
        """A project that vanished is back as it was."""
        living = self.vanished.pop(step.name, None)
        if living is not None and step.name not in self.pypi.projects:
            self.pypi.projects[step.name] = living
            self.wondered.add(step.name)

    def yank_unseen(self, step: Step) -> None:
        """A release is yanked, or is not any more, or for another reason, and no row says so."""
        self.pypi.set_yank(step.name, step.version, yanked=step.that != 0, reason=_REASONS[step.that])
        self.wondered.add(step.name)

    # Faults

    def cdn(self, step: Step) -> None:
        self.pypi.cdn.enabled = step.this % 4 != 0

    def lose_purge(self, step: Step) -> None:
        self.pypi.cdn.lose_purge(step.name)

    def purges(self, step: Step) -> None:
        (self.pypi.cdn.hold_purges if step.this % 2 else self.pypi.cdn.deliver_purges)()

    def index_down(self, step: Step) -> None:
        self.pypi.faults.index_down = ("503html", None, "refuse", None)[step.this % 4]

    def journal_down(self, step: Step) -> None:
        self.pypi.faults.xmlrpc = ("503html", None, "garbage", None)[step.this % 4]

    def page_broken(self, step: Step) -> None:
        fault = ("no-files", None, "404", "garbage", None)[(step.this + step.that) % 5]
        self.pypi.faults.page(step.name, fault)  # type: ignore[arg-type]

    def forget(self, step: Step) -> None:
        """The files host loses a file for good."""
        theirs = [file for file in self.uploads if file.project == step.name]
        if theirs:
            self.pypi.faults.forget_file(theirs[step.this % len(theirs)].filename)

    def files_down(self, step: Step) -> None:
        self.pypi.faults.files_down = ("503html", None, "refuse", None)[step.this % 4]

    def file_broken(self, step: Step) -> None:
        """The files host sends something else than a file, or than its metadata, or is well again."""
        theirs = [file for file in self.uploads if file.project == step.name]
        if not theirs:
            return
        faults, filename = self.pypi.faults, theirs[step.this % len(theirs)].filename
        name = filename if step.that % 2 == 0 else f"{filename}.metadata"
        # Other faults of the name are over; to mend it would also bring back what was forgotten for good.
        if faults.files.pop(name, None) is None:
            (faults.wrong_bytes, faults.truncate, faults.shorten)[(step.this + step.that) % 3](name)

    def is_sent(self, filename: str) -> bool:
        """Whether the files host answers with the bytes that the index promises."""
        faults = self.pypi.faults
        return faults.files_down is None and filename not in faults.files and not faults.is_forgotten(filename)

    def skip_serial(self, step: Step) -> None:
        self.pypi.skip_serial(1 + step.this)

    def mend(self) -> None:
        """Everything works again; what was forgotten stays forgotten."""
        faults, cdn = self.pypi.faults, self.pypi.cdn
        faults.index_down = faults.files_down = faults.xmlrpc = None
        faults.pages.clear()
        faults.files.clear()
        cdn.deliver_purges()
        cdn.clear()
        cdn.enabled = False


_NO_ACTS = ("act", "is_listed", "is_sent", "mend")
ACTS: dict[str, Callable[[Upstream, Step], None]] = {
    name: act
    for name, act in vars(Upstream).items()
    if callable(act) and not name.startswith("_") and name not in _NO_ACTS
}
