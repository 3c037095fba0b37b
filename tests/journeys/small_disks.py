"""A disk that fills up and is cleared again, which one everpin has for itself."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.journeys import on_small_disk
from tests.journeys.processes import Everpin


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The disk at a directory of a running everpin; others know another directory by that name."""

    everpin: Everpin
    directory: Path

    def path(self, *parts: str) -> Path:
        """Where we find what everpin finds on the disk."""
        return Path(f"/proc/{self.everpin.pid}/root{self.directory}").joinpath(*parts)

    def fill(self, *, but: int = 0) -> None:
        """Takes all room but so many bytes."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while (room := self.room) > but:
                ballast.write(bytes(min(room - but, 2**20)))

    def clear(self) -> None:
        """Gives back what `fill` took."""
        self._ballast.unlink()

    @property
    def room(self) -> int:
        """How many bytes there is room for."""
        state = os.statvfs(self.path())
        return state.f_bavail * state.f_frsize

    @property
    def _ballast(self) -> Path:
        return self.path("ballast")


def with_small_disk(everpin: Everpin, directory: Path, *, size: str) -> SmallDisk:
    """Has this everpin started with a disk of this size at the directory, which must be there.

    Where the machine allows no mount everpin ends at its start with a line that says so, and the journey fails.
    """
    program = (sys.executable, "-I", str(Path(on_small_disk.__file__)), str(directory), size)
    everpin.under = program
    return SmallDisk(everpin, directory)
