"""Figures that several processes count together. Each process here is one of its own, since a choice holds for life."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mirror import metrics
from mirror.errors import StartError

_SHARED = """
import sys
from pathlib import Path
from mirror import metrics
metrics.share(Path(sys.argv[1]), sys.argv[2])
"""


def test_counters_and_histograms_are_the_sums_of_what_all_counted(tmp_path: Path) -> None:
    """Whoever is asked, and also of those that have ended."""
    _run("metrics.stale_pages.inc(2); metrics.http_seconds.labels('/').observe(0.1)", tmp_path, "parent")
    _run("metrics.stale_pages.inc(3); metrics.http_seconds.labels('/').observe(0.2)", tmp_path, "worker1")

    told = _told(_run("sys.stdout.write(metrics.exposed().decode())", tmp_path, "worker2"))

    assert told["everpin_stale_pages_total"] == 5
    assert told["everpin_http_request_seconds_count"] == 2
    assert told["everpin_http_request_seconds_sum"] == pytest.approx(0.3)


def test_a_gauge_is_what_was_set_last(tmp_path: Path) -> None:
    """What the catalog says is the same for all, so the newest look at it counts."""
    for process, count in (("worker1", 7), ("worker2", 9), ("worker1", 8)):
        _run(f"metrics.projects.set({count})", tmp_path, process)

    told = _told(_run("sys.stdout.write(metrics.exposed().decode())", tmp_path, "worker2"))

    assert told["everpin_projects"] == 8


def test_what_each_process_has_is_the_sum_over_those_that_live(tmp_path: Path) -> None:
    """Subscribers are at one process each, and those of a process that died are gone with it."""
    for process, count in (("worker1", 700), ("worker2", 20), ("worker3", 3)):
        _run(f"metrics.sse_subscribers.set({count})", tmp_path, process)
    before = _told(_run("sys.stdout.write(metrics.exposed().decode())", tmp_path, "worker2"))

    metrics.died(tmp_path, "worker1")

    after = _told(_run("sys.stdout.write(metrics.exposed().decode())", tmp_path, "worker2"))
    assert (before["everpin_sse_subscribers"], after["everpin_sse_subscribers"]) == (723, 23)


def test_who_replaces_a_dead_process_goes_on_where_that_ended(tmp_path: Path) -> None:
    """A sum never falls, and the directory does not grow with each death."""
    _run("metrics.stale_pages.inc(2); import os; os._exit(9)", tmp_path, "worker1", status=9)
    files = sorted(tmp_path.iterdir())

    told = _told(_run("metrics.stale_pages.inc(); sys.stdout.write(metrics.exposed().decode())", tmp_path, "worker1"))

    assert told["everpin_stale_pages_total"] == 3
    assert sorted(tmp_path.iterdir()) == files


def test_figures_in_use_are_not_moved(tmp_path: Path) -> None:
    """What was counted before would be missing from the sum without a word."""
    metrics.stale_pages.inc(0)

    with pytest.raises(RuntimeError, match="in use"):
        metrics.share(tmp_path, "worker1")


def test_a_shared_directory_is_fresh_and_gone_afterwards(tmp_path: Path) -> None:
    """What those counted who used it before is nothing to those who do now."""
    directory = tmp_path / "figures" / "8080"
    directory.mkdir(parents=True)
    (directory / "counter_worker1.db").write_bytes(b"old")

    with metrics.shared_directory(directory):
        assert list(directory.iterdir()) == []
        (directory / "counter_worker1.db").write_bytes(b"new")

    assert not directory.exists()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "figures").write_text("in the way")

    with pytest.raises(StartError, match=r"figures.*--data-dir"), metrics.shared_directory(tmp_path / "figures" / "1"):
        pass


def _run(statements: str, directory: Path, process: str, *, status: int = 0) -> str:
    """What a process that counts in the directory writes."""
    command = (sys.executable, "-c", _SHARED + statements, str(directory), process)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


def _told(text: str) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }
