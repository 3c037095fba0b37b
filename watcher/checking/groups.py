"""Findings that are said once for many files: those of one release, in one place, that stand alike. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from mirror.events import presentable
from watcher.checking.findings import Finding, PinState

_MOST_NAMES = 3
_DIGITS_SHOWN = 12

WORST_FIRST = (
    PinState.BLOCKED,
    PinState.PURGED,
    PinState.REPLACED,
    PinState.LOST,
    PinState.HELD,
    PinState.UNKNOWN,
    PinState.KEPT,
    PinState.YANKED,
    PinState.LIVE,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that differ in their files alone. All texts can be shown."""

    state: PinState
    source: str
    release: str
    reason: str
    advice: str
    files: tuple[str, ...]

    @property
    def named_files(self) -> str:
        """The first few of the files."""
        shown = ", ".join(self.files[:_MOST_NAMES])
        more = len(self.files) - _MOST_NAMES
        return f"{shown} and {more} more" if more > 0 else shown

    @property
    def place(self) -> tuple[str, int | None]:
        """The file in which it stands, and the line where that is known."""
        file, colon, line = self.source.rpartition(":")
        return (file, int(line)) if colon and line.isascii() and line.isdigit() and file else (self.source, None)


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """The groups, the worst first, and else in the order of their files."""
    files: dict[tuple[PinState, str, str, str, str], list[str]] = {}
    for finding in findings:
        pin = finding.pin
        release = f"{pin.project} {shown(pin.version)}" if pin.version is not None else pin.project
        key = (finding.state, shown(pin.source), release, shown(finding.reason), shown(finding.advice))
        files.setdefault(key, []).extend(_name(finding))
    groups = [Group(*key, tuple(names)) for key, names in files.items()]
    return sorted(groups, key=lambda group: WORST_FIRST.index(group.state))


def shown(text: str) -> str:
    """A text of others in one line; GitHub's log takes `##[...]` for a command wherever it stands in a line."""
    return presentable(text).replace("##[", "## [")


def _name(finding: Finding) -> Iterable[str]:
    if finding.filename is not None:
        yield shown(finding.filename)
    elif finding.pin.sha256 is not None:
        yield f"sha256:{finding.pin.sha256[:_DIGITS_SHOWN]}..."
