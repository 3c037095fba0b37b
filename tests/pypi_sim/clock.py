"""The simulator's time: real time plus an offset that tests move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells aware UTC times; standing still or running, never behind the tests' back."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """The current simulated time."""
        if self._frozen is not None:
            return self._frozen
        return datetime.now(UTC) + self._offset

    def advance(self, span: timedelta) -> None:
        """Let `span` pass at once; negative spans turn the clock back."""
        if self._frozen is not None:
            self._frozen += span
        else:
            self._offset += span

    def freeze(self, moment: datetime) -> None:
        """Stand still at `moment` until `thaw`."""
        self._frozen = moment.astimezone(UTC)

    def thaw(self) -> None:
        """Run again, from the real time plus the offset."""
        self._frozen = None
