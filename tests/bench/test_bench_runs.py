"""The bench measures what it says it does. How fast that is, is nobody's promise."""

import shutil

import pytest

from tests.bench import pages
from tests.bench.rows import Effort, Sample, row, table


@pytest.mark.parametrize("has_wrk", [pytest.param(False, id="by itself"), pytest.param(True, id="with wrk, if any")])
async def test_pages_are_measured(monkeypatch: pytest.MonkeyPatch, *, has_wrk: bool) -> None:
    """Both servers in every case, each with requests that were answered."""
    if not has_wrk:
        monkeypatch.setattr(shutil, "which", lambda _: None)

    rows = await pages.run(Effort(rounds=1, seconds=0.1), {"five": 5})

    assert [(measured.case, measured.server) for measured in rows] == [
        (case, server)
        for case in ("page of 5 files, JSON", "page of 5 files, HTML", "page of 5 files, 304")
        for server in ("ceiling", "everpin")
    ]
    assert all(measured.per_second > 0 for measured in rows)
    assert all(measured.ratio is not None for measured in rows if measured.server == "everpin")
    assert "page of 5 files, 304" in table(rows)


def test_medians_are_compared() -> None:
    """One slow round counts for nothing; less time on the processor is a larger ratio."""
    ceiling = row("case", "ceiling", [Sample(100, 1, 0.2), Sample(100, 1, 0.2), Sample(1, 1, 0.9)])
    measured = row("case", "everpin", [Sample(200, 2, 0.2), Sample(150, 1, 0.15)], ceiling=ceiling)

    assert (ceiling.per_second, round(ceiling.cpu_ms, 3)) == (100, 2)
    assert (measured.ratio, measured.cpu_ratio) == (1.25, 2)
