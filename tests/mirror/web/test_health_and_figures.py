"""What operators and their machines ask: alive, ready, figures."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from mirror.catalog.database import opened
from tests.mirror.web.clients import ask, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, until

NAMES = {
    "everpin_watcher_lag_seconds",
    "everpin_journal_serial",
    "everpin_source",
    "everpin_projects",
    "everpin_backlog_files",
    "everpin_rescues",
    "everpin_events_total",
    "everpin_unknown_actions",
    "everpin_stale_pages",
    "everpin_upstream_requests",
    "everpin_keep_failures",
    "everpin_http_requests",
    "everpin_http_request_seconds",
}
"""As the parser names them: a counter's name goes without its `_total`."""


async def test_a_process_that_answers_is_alive(house: House) -> None:
    """Nothing else is asked for it: neither catalog nor upstream."""
    await house.pypi.stop()

    answer = await ask(house, "/healthz")

    assert (answer.status, answer.body) == (200, b"ok\n")


async def test_ready_says_how_far_the_journal_was_read(house: House, pypi: PyPISim) -> None:
    """Serial and lag, and nothing degraded."""
    old_wheel(pypi)
    await house.vouched()
    await house.poll()

    answer = await ask(house, "/readyz")

    told = json.loads(answer.text)
    assert answer.status == 200
    assert (told["status"], told["degraded"], told["journal_serial"]) == ("ready", [], pypi.last_serial)
    assert told["lag_seconds"] < 60


async def test_without_upstream_it_is_ready_but_degraded(house: House, pypi: PyPISim) -> None:
    """A mirror that serves what it has is better than none."""
    await pypi.stop()
    pypi.advance(timedelta(hours=1))

    answer = await ask(house, "/readyz")

    told = json.loads(answer.text)
    assert answer.status == 200
    assert told["degraded"] == ["journal"]
    assert told["lag_seconds"] >= 3600


async def test_without_its_database_it_is_not_ready(pypi: PyPISim, database_url: str, tmp_path: Path) -> None:
    """503, and for pages and files too: with a wait that clients can bear, and without a word about the database."""
    async with opened(database_url, pool_size=4) as catalog, house_of(pypi, catalog, tmp_path) as house:
        old_wheel(pypi)
        await ask(house, "/simple/demo/")
        await _lock_out(database_url)
        # Until the broken connection is noticed, a page in memory is as good as it was.
        await until(lambda: not house.pages.is_hearing)

        answers = {
            path: await ask(house, path)
            for path in ("/readyz", "/simple/demo/", "/simple/", "/api/v1/events", "/feed/deletions.atom")
        }
        alive = await ask(house, "/healthz")
        await _let_in(database_url)
        again = await ask(house, "/readyz")

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(answers, 503)
    assert json.loads(answers["/readyz"].text)["status"] == "unavailable"
    assert int(answers["/simple/demo/"].headers["Retry-After"]) <= 2
    assert "postgres" not in answers["/simple/demo/"].text
    assert (alive.status, again.status) == (200, 200)


async def test_without_its_store_it_is_not_ready(house: House) -> None:
    """A directory that is gone, as when a disk is not mounted, cannot be used."""
    shutil.rmtree(house.settings.store_dir)

    answer = await ask(house, "/readyz")

    assert answer.status == 503


async def test_the_figures_have_the_names_that_dashboards_rely_on(house: House, pypi: PyPISim) -> None:
    """Prometheus can read them, and they count what happened."""
    filename = old_wheel(pypi)
    path = await house.url("demo", filename)
    pypi.delete_release("demo", "1.0")
    await house.watch()
    await ask(house, path)
    await ask(house, "/nowhere")

    answer = await ask(house, "/metrics")

    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert families.keys() >= NAMES
    values = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["everpin_projects", ()] == 1
    assert values["everpin_backlog_files", ()] == 0
    assert values["everpin_journal_serial", ()] == pypi.last_serial
    assert values["everpin_source", (("source", "changelog"),)] == 1
    assert values["everpin_events_total", (("kind", "release.deleted"),)] == 1
    assert values["everpin_rescues_total", (("outcome", "rescued"),)] >= 1
    assert values["everpin_upstream_requests_total", (("kind", "page"), ("outcome", "new"))] >= 1
    assert values["everpin_http_requests_total", (("route", "/simple/{project}/"), ("status", "200"))] >= 1
    assert values["everpin_http_requests_total", (("route", "unknown"), ("status", "404"))] >= 1


async def test_nobody_can_make_up_labels(house: House) -> None:
    """Routes are counted by their pattern: paths that clients invent do not fill the memory of Prometheus."""
    for number in range(5):
        await ask(house, f"/simple/invented-{number}/")
        await ask(house, f"/invented-{number}")

    assert "invented" not in (await ask(house, "/metrics")).text


async def _lock_out(database_url: str) -> None:
    """Lets nobody into the database and ends who is there, as an outage of the server does."""
    conn = await asyncpg.connect(_elsewhere(database_url))
    try:
        await conn.execute(f"alter database {_name(database_url)} allow_connections false")
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", _name(database_url)
        )
    finally:
        await conn.close()


async def _let_in(database_url: str) -> None:
    conn = await asyncpg.connect(_elsewhere(database_url))
    try:
        await conn.execute(f"alter database {_name(database_url)} allow_connections true")
    finally:
        await conn.close()


def _name(database_url: str) -> str:
    return database_url.partition("?")[0].rpartition("/")[2]


def _elsewhere(database_url: str) -> str:
    return database_url.replace(f"/{_name(database_url)}", "/everpin")
