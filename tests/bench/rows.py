"""What is measured, and how it is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is put into measuring."""

    rounds: int = 3
    seconds: float = 2.0
    subscribers: int = 1_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one server in one case."""

    requests: int
    seconds: float
    cpu_seconds: float
    grown_bytes: int | None = None
    """By how much memory the server grew meanwhile, where that was looked at."""


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one server in one case. `ratio` and `cpu_ratio` compare with the ceiling; more is better.

    `grown_mib` is the most that its memory grew by in any sample.
    """

    case: str
    server: str
    per_second: float
    cpu_ms: float
    ratio: float | None = None
    cpu_ratio: float | None = None
    grown_mib: float | None = None


def row(case: str, server: str, samples: Iterable[Sample], *, ceiling: Row | None = None) -> Row:
    """The medians of some samples, beside those of the ceiling in the same case."""
    taken = tuple(samples)
    per_second = median(sample.requests / sample.seconds for sample in taken)
    cpu_ms = median(1000 * sample.cpu_seconds / sample.requests for sample in taken)
    grown = [sample.grown_bytes / 2**20 for sample in taken if sample.grown_bytes is not None]
    grown_mib = max(grown, default=None)
    if ceiling is None:
        return Row(case, server, per_second, cpu_ms, grown_mib=grown_mib)
    # Time on the processor is counted in hundredths of a second: in a very short run there may be none.
    cpu_ratio = ceiling.cpu_ms / cpu_ms if cpu_ms else None
    return Row(case, server, per_second, cpu_ms, per_second / ceiling.per_second, cpu_ratio, grown_mib)


def compared(cases: Iterable[str], ceiling: str, samples: Mapping[tuple[str, str], Sequence[Sample]]) -> list[Row]:
    """Two rows a case, that server's and everpin's beside it; `samples` are by case and server."""
    rows = []
    for case in cases:
        best = row(case, ceiling, samples[case, ceiling])
        rows += [best, row(case, "everpin", samples[case, "everpin"], ceiling=best)]
    return rows


def table(rows: Iterable[Row]) -> str:
    """The rows, one a line."""
    lines = [f"{'case':<28}{'server':<12}{'req/s':>9}{'cpu ms/req':>12}{'x ceiling':>11}{'x cpu':>8}{'+MiB':>8}"]
    for shown in rows:
        ratio = "" if shown.ratio is None else f"{shown.ratio:.2f}"
        cpu_ratio = "" if shown.cpu_ratio is None else f"{shown.cpu_ratio:.2f}"
        grown = "" if shown.grown_mib is None else f"{shown.grown_mib:.1f}"
        measured = f"{shown.per_second:>9.0f}{shown.cpu_ms:>12.4f}{ratio:>11}{cpu_ratio:>8}{grown:>8}"
        lines.append(f"{shown.case:<28}{shown.server:<12}{measured}")
    return "\n".join(lines) + "\n"
