"""Which release of a project to move to. Pure."""

from collections.abc import Iterable

from packaging.version import Version

from mirror.events import presentable
from mirror.model import State
from mirror.names import same_version_key

_WITHHELD = frozenset({State.BLOCKED, State.PURGED})


class Outlook:
    """The releases of one project that can be recommended, read once however many pins are asked about.

    Those of which some file is live and none blocked. Pre-releases only where nothing else is live, or to those who pin
    one already.
    """

    def __init__(self, versions: Iterable[tuple[str, State]]) -> None:
        states: dict[str, tuple[str, set[State]]] = {}
        for spelled, state in versions:
            states.setdefault(same_version_key(spelled), (spelled, set()))[1].add(state)
        live = {
            key: parsed
            for key, (spelled, of_files) in states.items()
            if State.LIVE in of_files and not of_files & _WITHHELD and (parsed := _parsed(spelled)) is not None
        }
        stable = [version for version in live.values() if not version.is_prerelease]
        self._live = frozenset(live)
        self._stable = _Newest(stable or live.values())
        self._early = _Newest(live.values())

    def instead_of(self, version: str | None) -> str:
        """The newest live release, and the newest one before the next major version; without a full stop."""
        if not self._live:
            return "no release of it is live here"
        if version is not None and same_version_key(version) in self._live:
            return f"other files of {presentable(version)} are live, so locking anew may be enough"
        pinned = _parsed(version) if version is not None else None
        choice = self._early if pinned is not None and pinned.is_prerelease else self._stable
        newest = choice.of_all
        if pinned is None:
            return f"the newest live release is {newest}"
        if newest < pinned:
            return f"the newest live release is {newest}, which is older"
        near = choice.of_series.get((pinned.epoch, pinned.major), newest)
        if near == newest or near < pinned:
            return f"move to {newest}, the newest live release"
        return f"move to {near}, the newest live release before {pinned.major + 1}, or to {newest}, the newest of all"


class _Newest:
    """The newest of some versions, and the newest of each series, which is what one major version makes."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self.of_series: dict[tuple[int, int], Version] = {}
        for version in versions:
            series = (version.epoch, version.major)
            self.of_series[series] = max(version, self.of_series.get(series, version))
        self.of_all = max(self.of_series.values(), default=Version("0"))


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return None
