"""The journal: rows in serial order, with gaps where a transaction was rolled back."""

from bisect import bisect_right
from datetime import datetime

from tests.pypi_sim.model import Row


class Journal:
    """Appends rows and answers `since` as upstream does: serial order, one page at most."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.page_size = 50_000
        self._serials: list[int] = []
        self._sequence = 0

    @property
    def last_serial(self) -> int:
        """The highest serial of a row; serials that were only consumed do not count."""
        return self._serials[-1] if self._serials else 0

    def append(self, name: str, version: str | None, action: str, *, at: datetime) -> Row:
        """Add a row under the next serial."""
        self._sequence += 1
        row = Row(name=name, version=version, timestamp=at, action=action, serial=self._sequence)
        self.rows.append(row)
        self._serials.append(row.serial)
        return row

    def skip(self, count: int = 1) -> None:
        """Consume serials without rows, as a rolled-back transaction does."""
        self._sequence += count

    def set_back(self, serial: int) -> None:
        """Lose the rows above `serial`, as restoring a backup does; what comes next takes their serials again."""
        kept = bisect_right(self._serials, serial)
        del self.rows[kept:], self._serials[kept:]
        self._sequence = serial

    def page_since(self, serial: int) -> list[Row]:
        """Rows above `serial`, at most one page of them."""
        start = bisect_right(self._serials, serial)
        return self.rows[start : start + self.page_size]

    def since(self, serial: int) -> tuple[Row, ...]:
        """All rows above `serial`."""
        return tuple(self.rows[bisect_right(self._serials, serial) :])
