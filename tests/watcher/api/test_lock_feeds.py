"""A lock file's own feed: what it tells, in which forms, and for how long it is there."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import feedparser
import httpx
import pytest
from httpx_sse import aconnect_sse

from mirror.catalog.database import Catalog
from mirror.setting_sections import Mirror
from tests.pypi_sim import PyPISim
from tests.watcher.api.lock_owners import Said, ask, make, told
from tests.watcher.houses import House, house_of, long_ago
from watcher.api import private_feeds
from watcher.duties import forget_rows

NEVER_MADE = "A" * 43


async def lived(house: House) -> str:
    """Projects that lose releases and a file; a lock file that pins some of them."""
    pypi = house.pypi
    wheel = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    for name, version in (("demo", "2.0"), ("other", "1.0"), ("stranger", "1.0"), ("unheard", "3.0")):
        pypi.upload(name, version, uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page("demo")
    for name, version in (("stranger", "1.0"), ("demo", "2.0"), ("other", "1.0")):
        pypi.delete_release(name, version)
    pypi.delete_file("demo", "demo-1.0.tar.gz")
    pypi.delete_file("demo", wheel.filename)
    await house.poll()
    return f"demo==1.0 --hash=sha256:{wheel.sha256}\nOther==1.0.0\nunheard==3\n"


async def test_it_tells_what_touches_the_lock_in_every_form(house: House) -> None:
    """What happened before, too. Other releases, other files and other projects are nobody's business here."""
    made = await make(house, await lived(house))
    addresses = made.json

    assert (made.status, addresses["pins"], addresses["left_out"], addresses["expires_after"]) == (201, 3, [], "90d")
    assert addresses["observed_since"]
    assert made.headers["Location"] == addresses["delete"]
    assert await told(house, made) == ["release.deleted other 1.0", "file.deleted demo 1.0"]
    for form in ("atom", "rss"):
        answer = await ask(house, addresses[form])
        feed = feedparser.parse(answer.body)
        assert (answer.status, feed.bozo) == (200, False), feed
        assert [("demo" in entry.title, "other" in entry.title) for entry in feed.entries] == [
            (True, False),
            (False, True),
        ]
        _require_private(answer)
    answer = await ask(house, addresses["json"])
    assert [item["_everpin"]["data"]["project"] for item in answer.json["items"]] == ["demo", "other"]
    _require_private(answer)
    _require_private(await ask(house, addresses["events"]))


async def test_the_stream_tells_what_comes_until_the_feed_is_removed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From where its reader says on; also of projects that this mirror has never seen."""
    monkeypatch.setattr(private_feeds, "_LOOK_SECONDS", 0.05)
    made = await make(house, await lived(house))
    got: list[str] = []

    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        stream = str(house.http.make_url(httpx.URL(made.json["stream"]).path))
        async with aconnect_sse(client, "GET", stream, headers={"Last-Event-ID": "1-0"}) as source:
            assert "private" in source.response.headers["Cache-Control"]
            events = source.aiter_sse()
            while len(got) < 3:
                event = await anext(events)
                got += [json.loads(event.data)["data"]["project"]] if event.data else []
                if len(got) == 2:
                    house.pypi.delete_project("stranger")
                    house.pypi.delete_project("unheard")
                    await house.poll()
            await ask(house, made.json["delete"], "DELETE")
            with pytest.raises(httpx.RemoteProtocolError):
                await anext(events)

    assert got == ["other", "demo", "unheard"]


async def test_a_removed_feed_is_as_if_it_had_never_been(house: House) -> None:
    """Every address of it answers what any other token is answered; nothing of the lock file is left."""
    made = await make(house, await lived(house))
    before = await ask(house, made.json["delete"])
    await told(house, made)

    removed = await ask(house, made.json["delete"], "DELETE")

    assert (before.json["atom"], before.json["pins"]) == (made.json["atom"], 3)
    assert (removed.status, removed.body) == (204, b"")
    _require_private(removed)
    assert (await ask(house, made.json["delete"], "DELETE")).status == 404
    await _require_gone(house, made)
    async with house.catalog.reading() as conn:
        assert await conn.fetchval("select count(*) from lock_feeds") == 0


async def test_it_is_gone_90_days_after_the_last_read(house: House, pypi: PyPISim) -> None:
    """Whoever reads it, in any form, keeps it; to look at its addresses is not to read it."""
    lock = await lived(house)
    read, unread = await make(house, lock), await make(house, lock)
    pypi.advance(timedelta(days=80))
    assert await told(house, read)
    assert (await ask(house, unread.json["delete"])).status == 200
    pypi.advance(timedelta(days=10, hours=2))

    await _require_gone(house, unread)
    await forget_rows(house.catalog, now=pypi.now())
    await _require_gone(house, unread)
    assert len(await told(house, read)) == 2
    async with house.catalog.reading() as conn:
        assert await conn.fetchval("select count(*) from lock_feeds") == 1


async def test_its_addresses_are_those_under_which_the_mirror_is_reached(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Absolute, with the prefix; and a pin of the mirror's own index is not one of another."""
    base = "https://mirror.example.org/python"
    async with house_of(pypi, catalog, tmp_path, mirror=Mirror(base_url=base)) as house:
        made = await make(house, f"--index-url {base}/simple/\ndemo==1.0\n")
        atom = await ask(house, made.json["atom"])

    assert made.json["pins"] == 1
    assert all(made.json[key].startswith(f"{base}/feed/locks/") for key in ("atom", "rss", "json", "events", "stream"))
    assert made.json["delete"].startswith(f"{base}/api/v1/locks/")
    assert made.json["observed_since"] is None
    (own,) = [link.href for link in feedparser.parse(atom.body).feed.links if link.rel == "self"]
    assert own == made.json["atom"]


async def _require_gone(house: House, made: Said) -> None:
    """It answers 404 in every form, and nothing that a token which never was would not be answered."""
    for form in ("atom", "rss", "json", "events", "stream", "delete"):
        gone = await ask(house, made.json[form])
        token = made.json["delete"].rpartition("/")[2]
        never = await ask(house, made.json[form].replace(token, NEVER_MADE))
        assert (gone.status, gone.body) == (never.status, never.body) == (404, never.body)
        _require_private(gone)


def _require_private(answer: Said) -> None:
    """No cache of others keeps it, no search engine shows it, no other site hears of it."""
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
