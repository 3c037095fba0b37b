"""Upstream lies: at most it is not believed. What is known goes on working, what is not is never denied."""

import json
from collections.abc import Callable
from datetime import timedelta

import aiohttp
import pytest

from mirror.upstream.index import LARGEST_PAGE
from tests.mirror.web.clients import V1_HTML, ask, old_wheel, pages_asked
from tests.pypi_sim import PyPISim
from tests.pypi_sim.lies import HOSTILE_FILENAMES, HOSTILE_URLS, MARKUP_FILENAME
from tests.watcher.houses import House, eventually, until

Lie = Callable[[PyPISim], None]

LIES: dict[str, Lie] = {
    "a gzip bomb": lambda pypi: pypi.faults.page("demo", "bomb"),
    "a page without an end": lambda pypi: pypi.faults.page("demo", "endless"),
    "half a page": lambda pypi: pypi.faults.page("demo", "truncated"),
    "a connection that breaks": lambda pypi: pypi.faults.page("demo", "reset"),
    "a page of another project": lambda pypi: pypi.faults.page("demo", "another-project"),
    "bytes that are no text": lambda pypi: pypi.faults.page("demo", "not-utf8"),
    "a redirect in a circle": lambda pypi: pypi.faults.redirect_page("demo", "/simple/demo/"),
    "a redirect to another page": lambda pypi: pypi.faults.redirect_page("demo", "/simple/other/"),
    "a redirect to another host": lambda pypi: pypi.faults.redirect_page("demo", f"{pypi.files_url}/simple/demo/"),
}


async def _with_a_kept_file(house: House) -> dict[str, bytes]:
    """A project of which one file is live and another one kept; the bytes of both by their address."""
    for version in ("1.0", "1.1"):
        old_wheel(house.pypi, "demo", version)
    old_wheel(house.pypi, "other")
    await house.watch()
    bodies = {}
    for filename in await house.listed("demo"):
        address = await house.url("demo", filename)
        status, bodies[address] = await house.get(address)
        assert status == 200
    house.pypi.delete_release("demo", "1.1")
    await house.watch()
    assert set((await house.states("demo")).values()) == {"live", "kept"}

    async def is_listed_as_kept() -> bool:
        return set((await house.listed("demo")).values()) != {False}

    # The page in memory goes when the notice of the change arrives.
    await eventually(is_listed_as_kept)
    return bodies


@pytest.mark.parametrize("lie", LIES)
async def test_a_known_project_keeps_its_page_and_its_files(house: House, pypi: PyPISim, lie: str) -> None:
    """Whatever comes instead of a newer page, the known one is served with all its files, and nothing is told."""
    bodies = await _with_a_kept_file(house)
    listed, told = await house.listed("demo"), await house.kinds()
    pypi.upload("demo", "1.2")
    pypi.advance(timedelta(minutes=6))
    LIES[lie](pypi)
    asked = pages_asked(pypi, "demo")

    answer = await ask(house, "/simple/demo/")
    await house.watch()

    assert pages_asked(pypi, "demo") > asked
    assert (answer.status, int(answer.headers["X-Everpin-Stale"]) >= 360) == (200, True)
    assert await house.listed("demo") == listed
    assert {address: (await house.get(address))[1] for address in bodies} == bodies
    assert await house.kinds() == told == ["release.deleted demo 1.1"]


@pytest.mark.parametrize("lie", LIES)
async def test_a_project_never_seen_is_unavailable_and_not_denied(house: House, pypi: PyPISim, lie: str) -> None:
    """503 sends nobody to another index, and as soon as upstream tells the truth the page is there."""
    filename = old_wheel(pypi)
    old_wheel(pypi, "other")
    LIES[lie](pypi)

    answer = await ask(house, "/simple/demo/")
    await house.watch()
    told = await house.kinds()
    listing = await ask(house, "/simple/")
    pypi.faults.page("demo", None)

    assert answer.status == 503
    assert 0 <= int(answer.headers["Retry-After"]) <= 2
    assert told == []
    assert json.loads(listing.body)["projects"] == []
    assert await house.listed("demo") == {filename: False}


async def test_no_more_is_taken_of_a_page_than_a_page_may_have(house: House, pypi: PyPISim) -> None:
    """An endless page is cut off at the bound, but for what was under way already."""
    old_wheel(pypi)
    pypi.faults.page("demo", "endless")

    answer = await ask(house, "/simple/demo/")
    await until(lambda: pypi.faults.poured > 0)

    assert f"larger than {LARGEST_PAGE} bytes" in answer.text
    assert LARGEST_PAGE <= pypi.faults.poured < LARGEST_PAGE + 2**25


async def test_no_more_is_unpacked_of_a_page_than_a_page_may_have(house: House, pypi: PyPISim) -> None:
    """It is the unpacked bytes of a bomb that count."""
    old_wheel(pypi)
    pypi.faults.page("demo", "bomb")

    answer = await ask(house, "/simple/demo/")

    assert f"larger than {LARGEST_PAGE} bytes" in answer.text


async def test_no_other_host_is_asked_for_a_page(house: House, pypi: PyPISim) -> None:
    """A redirect away from the index is not followed."""
    old_wheel(pypi)
    pypi.faults.redirect_page("demo", f"{pypi.files_url}/simple/demo/")

    answer = await ask(house, "/simple/demo/")

    assert answer.status == 503
    assert {seen.host for seen in pypi.requests} == {"index"}


async def test_a_page_that_trickles_is_not_waited_for(house: House, pypi: PyPISim) -> None:
    """A byte now and then keeps a connection, but nobody waiting: known pages are served, unknown ones are 503."""
    filename = old_wheel(pypi)
    old_wheel(pypi, "unseen")
    await house.page("demo")
    pypi.advance(timedelta(minutes=6))
    for name in ("demo", "unseen"):
        pypi.faults.page(name, "slow")

    known = await ask(house, "/simple/demo/")
    unknown = await ask(house, "/simple/unseen/")

    assert known.status == 200
    assert filename in known.text
    assert unknown.status == 503
    assert await house.kinds() == []


@pytest.mark.parametrize("is_known", [True, False])
async def test_hostile_entries_cost_only_themselves(house: House, pypi: PyPISim, is_known: bool) -> None:
    """They never get onto our page; honest entries beside them do, and work."""
    kept = await _with_a_kept_file(house) if is_known else {}
    told = await house.kinds()
    filename = old_wheel(pypi, "demo", "1.2")
    pypi.faults.page("demo", "hostile-names")
    pypi.advance(timedelta(minutes=6))

    await house.watch()
    answer, html = await ask(house, "/simple/demo/"), await ask(house, "/simple/demo/", Accept=V1_HTML)

    files = json.loads(answer.body)["files"]
    names = {file["filename"] for file in files}
    assert filename in names
    assert names.isdisjoint(HOSTILE_FILENAMES)
    assert {name for name in names if not name.startswith("demo-")} <= {MARKUP_FILENAME}
    assert all(file["url"].startswith("../../packages/") for file in files)
    for text in (answer.text, html.text):
        assert all(url[:200] not in text for url in HOSTILE_URLS)
        assert text.replace("\n", "").isprintable()
    assert "<img" not in html.text
    assert {address: (await house.get(address))[1] for address in kept} == kept
    assert (await house.get(await house.url("demo", filename)))[0] == 200
    assert await house.kinds() == told


FILE_LIES: dict[str, Callable[[PyPISim, str, str], None]] = {
    "a gzip bomb": lambda pypi, filename, _: pypi.faults.bomb(filename),
    "a file without an end": lambda pypi, filename, _: pypi.faults.never_end(filename),
    "other bytes": lambda pypi, filename, _: pypi.faults.wrong_bytes(filename),
    "half a file": lambda pypi, filename, _: pypi.faults.truncate(filename, after=500),
    "a connection that breaks": lambda pypi, filename, _: pypi.faults.reset(filename, after=500),
    "a redirect in a circle": lambda pypi, filename, url: pypi.faults.redirect(filename, url),
    "a redirect to a page": lambda pypi, filename, _: pypi.faults.redirect(filename, f"{pypi.index_url}demo/"),
}


@pytest.mark.parametrize("lie", FILE_LIES)
async def test_a_file_that_is_not_what_was_promised_is_never_completed(house: House, pypi: PyPISim, lie: str) -> None:
    """The client gets an error or a broken connection, nothing is kept or told; the truth is taken when it comes."""
    file = pypi.upload("demo", "1.0", uploaded_at=house.pypi.now() - timedelta(days=200), payload_size=100_000)
    address = await house.url("demo", file.filename)
    FILE_LIES[lie](pypi, file.filename, pypi.file_url(file))

    status = await _status_if_completed(house, address)
    await house.watch()

    assert status in (None, 502, 503)
    assert await house.states("demo") == {file.filename: "live"}
    assert await house.kinds() == []
    assert list(house.settings.spool_dir.iterdir()) == []
    pypi.faults.mend(file.filename)
    assert await house.get(address) == (200, file.content)


async def test_no_other_host_is_asked_for_a_file(house: House, pypi: PyPISim) -> None:
    """Behind a redirect neither."""
    file = pypi.upload("demo", "1.0", uploaded_at=house.pypi.now() - timedelta(days=200))
    address = await house.url("demo", file.filename)
    async with PyPISim() as foreign:
        pypi.faults.redirect(file.filename, f"{foreign.files_url}{file.path}")

        status = await _status_if_completed(house, address)

        assert status == 503
        assert foreign.requests == []


async def _status_if_completed(house: House, path: str) -> int | None:
    """The status of an answer that arrived whole, None for one that broke off."""
    try:
        return (await house.get(path))[0]
    except aiohttp.ClientPayloadError:
        return None
