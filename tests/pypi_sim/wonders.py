"""What upstream's own rules would not do: rows out of nowhere, gaps in the serials, things gone without a row."""

from datetime import datetime

from packaging.utils import canonicalize_name, canonicalize_version

from tests.pypi_sim.model import RefusedError
from tests.pypi_sim.state import Rows, State


class Wonders(State):
    """Things that happen to the state though nobody acts."""

    def raw_row(self, name: str, version: str | None, action: str, timestamp: datetime | None = None) -> Rows:
        """Append any row; as upstream's trigger, it moves the serial of a project spelled exactly so."""
        row = self.journal.append(name, version, action, at=timestamp or self.clock.now())
        living = self.projects.get(canonicalize_name(name))
        if living is not None and living.name == name:
            living.last_serial = row.serial
        return (row,)

    def skip_serial(self, count: int = 1) -> Rows:
        """Leave a gap in the serials."""
        self.journal.skip(count)
        return ()

    def set_yank(self, project: str, version: str, *, yanked: bool, reason: str = "") -> Rows:
        """A release is yanked, for that reason, or is not any more, and no row tells of it."""
        living, release = self.project(project), self.release(project, version)
        release.yanked, release.yanked_reason = yanked, reason if yanked else ""
        self._purge(living.canonical, listing=False)
        return ()

    def vanish_file(self, project: str, filename: str) -> Rows:
        """A file disappears from the page and no row tells of it."""
        living = self.project(project)
        for release in living.releases.values():
            if release.files.pop(filename, None) is not None:
                self._purge(living.canonical, listing=False)
                return ()
        raise RefusedError(f"{project} has no file {filename}")

    def vanish_release(self, project: str, version: str) -> Rows:
        """A release disappears and no row tells of it."""
        living, release = self.project(project), self.release(project, version)
        del living.releases[canonicalize_version(release.version)]
        self._purge(living.canonical)
        return ()

    def vanish_project(self, project: str) -> Rows:
        """A project disappears and no row tells of it."""
        living = self.project(project)
        del self.projects[living.canonical]
        self._purge(living.canonical)
        return ()
