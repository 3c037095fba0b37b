"""What every client lives through: a lock made today, a release deleted tomorrow, the same install the day after."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mirror.names import project_name
from tests.journeys.clients.programs import modules_of
from tests.journeys.installers import module_in
from tests.journeys.processes import Everpin
from tests.pypi_sim import File, PyPISim, module_name
from watcher.locks.reading import read_lock


@dataclass(frozen=True, slots=True)
class Upstream:
    """An application and the library that it needs below version 2; the newest version of that is 2.0."""

    pypi: PyPISim
    app: File
    library: File
    too_new: File

    async def forgets_the_library(self, everpin: Everpin) -> None:
        """The release that every lock names is deleted, and everpin has heard of it."""
        self.pypi.delete_release("leftpad", "1.0")
        await everpin.until_told("release.deleted", "leftpad")


def stocked(pypi: PyPISim) -> Upstream:
    """Uploads them, long ago."""
    at = pypi.now() - timedelta(days=200)
    library = pypi.upload("leftpad", "1.0", uploaded_at=at)
    too_new = pypi.upload("leftpad", "2.0", uploaded_at=at)
    app = pypi.upload("Con.Sumer", "3.1", requires=("leftpad<2",), uploaded_at=at)
    return Upstream(pypi, app, library, too_new)


def assert_installed(interpreter: Path, *files: File) -> None:
    """Exactly these files were installed there, byte for byte."""
    assert modules_of(interpreter) == {module_name(file.project): module_in(file) for file in files}


def assert_locked(lock: Path, *files: File, index: str | None = None, by_name: bool = True) -> None:
    """What the program wrote is read as a demand for exactly these files, from that index where it names one."""
    pins = read_lock(lock.name, lock.read_bytes()).pins
    demanded = {(pin.project, pin.version, pin.filename, pin.sha256, pin.index) for pin in pins}
    assert demanded == {
        (project_name(file.project), file.version, file.filename if by_name else None, file.sha256, index)
        for file in files
    }
    assert len(pins) == len(files)
