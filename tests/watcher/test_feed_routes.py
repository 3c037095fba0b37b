"""The events over HTTP by cursor, and that the documents of the feed are there as well."""

import json
from collections.abc import Mapping
from typing import Any

import feedparser
import pytest

from mirror.catalog import events
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence
from mirror.names import ProjectName, Serial
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House


async def tell(house: House, *drafts: EventDraft) -> None:
    """Numbers and stores events."""
    async with house.catalog.writing() as conn:
        await events.append(conn, drafts)


def draft(house: House, serial: int, project: str = "demo", **changes: Any) -> EventDraft:
    """An event of that serial: a deleted release unless told otherwise."""
    values: dict[str, Any] = {
        "kind": EventKind.RELEASE_DELETED,
        "project": ProjectName(project),
        "version": f"1.{serial}",
        "serial": None if changes.get("kind") is EventKind.RESCUED else Serial(serial),
        "upstream_time": house.pypi.now(),
        "observed_at": house.pypi.now(),
        "evidence": Evidence.JOURNAL,
    }
    return EventDraft(**(values | changes))


async def answer_of(house: House, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.http.get(path, headers=named) as answer:
        return answer.status, answer.headers.copy(), await answer.read()


async def events_of(house: House, query: str = "") -> dict[str, Any]:
    """The answer of the events' address."""
    status, _, body = await answer_of(house, f"/api/v1/events{query}")
    assert status == 200, body
    page: dict[str, Any] = json.loads(body)
    return page


def serials(page: dict[str, Any]) -> list[int]:
    """The serials of the events on a page."""
    return [event["data"]["serial"] for event in page["events"]]


async def test_a_reader_gets_every_event_once_and_in_order(house: House) -> None:
    """Page by page from the oldest on; at the end the cursor waits for what comes next."""
    await tell(house, *(draft(house, serial) for serial in range(1, 8)))
    got: list[int] = []
    page = await events_of(house, "?limit=3")
    got += serials(page)
    while page["more"]:
        page = await events_of(house, f"?limit=3&since={page['next']}")
        got += serials(page)
    idle = await events_of(house, f"?since={page['next']}")
    await tell(house, draft(house, 8))
    last = await events_of(house, f"?since={page['next']}")

    assert got == [1, 2, 3, 4, 5, 6, 7]
    assert (idle["events"], idle["more"], idle["next"]) == ([], False, page["next"])
    assert serials(last) == [8]


async def test_a_page_that_is_just_full_is_the_last_one(house: House) -> None:
    """`more` is not a guess."""
    await tell(house, *(draft(house, serial) for serial in range(1, 4)))

    page = await events_of(house, "?limit=3")

    assert (serials(page), page["more"]) == ([1, 2, 3], False)


async def test_events_are_cloudevents(house: House) -> None:
    """Envelope and data, with the cursor of each; the chain ties them together."""
    await tell(house, draft(house, 1))

    (event,) = (await events_of(house))["events"]

    assert event["specversion"] == "1.0"
    assert event["type"] == "dev.everpin.release.deleted"
    assert event["subject"] == "pkg:pypi/demo@1.1"
    assert event["source"].startswith("urn:uuid:")
    assert event["data"]["cursor"] == "1-1"
    assert event["data"]["files"] is None
    assert len(event["chain"]) == 64


async def test_a_reader_may_want_only_some_projects_and_kinds(house: House) -> None:
    """Filters repeat and add up, names in any spelling; the cursor passes over what was filtered out."""
    await tell(
        house,
        draft(house, 1, "demo-thing"),
        draft(house, 2, "other"),
        draft(house, 3, "demo-thing", kind=EventKind.RELEASE_YANKED),
        draft(house, 4, "third"),
    )

    assert serials(await events_of(house, "?project=Demo_Thing")) == [1, 3]
    assert serials(await events_of(house, "?project=Demo.Thing&project=third")) == [1, 3, 4]
    assert serials(await events_of(house, "?kind=release.yanked")) == [3]
    assert serials(await events_of(house, "?project=demo-thing&kind=release.deleted")) == [1]
    page = await events_of(house, "?project=other")
    assert (page["next"], page["more"]) == ("1-4", False)


@pytest.mark.parametrize(
    "since",
    [
        "2-0",
        "2-1",
        "0-1",
        "1-4",
        "1-999999999999999",
        "999999999999999-1",
        "garbage",
        "1",
        "1--1",
        "-1-1",
        "1-1x",
        "1-%D9%A1",
        "1-99999999999999999999",
    ],
)
async def test_a_cursor_of_another_history_is_told_to_read_anew(house: House, since: str) -> None:
    """Another epoch, a number that was never told, or no cursor at all: 410 with the place to begin."""
    await tell(house, *(draft(house, serial) for serial in range(1, 4)))

    status, headers, body = await answer_of(house, f"/api/v1/events?since={since}")

    assert status == 410
    assert json.loads(body) == {"resync": True, "oldest": "1-0"}
    assert headers["Content-Type"].startswith("application/json")
    assert serials(await events_of(house, "?since=1-0")) == [1, 2, 3]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1.5",
        "limit=x",
        "limit=",
        "limit=99999999999999999999",
        "project=-",
        "project=",
        "project=a%00b",
        "kind=nothing",
        "kind=",
        "kind=release.deleted%00",
        "&".join(f"project=p{number}" for number in range(101)),
    ],
)
async def test_what_cannot_be_meant_is_refused(house: House, query: str) -> None:
    """400 and a sentence that says what would do; never a crash."""
    status, headers, body = await answer_of(house, f"/api/v1/events?{query}")

    assert status == 400
    assert headers["Content-Type"].startswith("application/problem+json")
    assert json.loads(body)["detail"]


async def test_a_large_limit_is_cut(house: House) -> None:
    """Nobody gets more than a thousand at once, whatever they ask for."""
    await tell(house, *(draft(house, serial) for serial in range(1, 1003)))

    page = await events_of(house, "?limit=999999")

    assert (len(page["events"]), page["more"]) == (1000, True)


async def test_events_told_during_a_look_do_not_come_again(house: House, pypi: PyPISim) -> None:
    """The end of the page is the end of what was handed out, though it was not the end when the look began."""
    await tell(house, draft(house, 1))
    async with house.catalog.writing() as conn:
        # As if the head had been read before the second event was numbered.
        await events.append(conn, [draft(house, 2)])
        await conn.execute("update event_head set number = 1")

    page = await events_of(house)

    assert serials(page) == [1, 2]
    assert page["next"] == "1-2"


async def test_the_atom_feed_is_one_that_readers_understand(house: House, pypi: PyPISim) -> None:
    """Newest first, with the names of the entries stable, and the bookkeeping left out."""
    await tell(
        house,
        draft(house, 1),
        draft(house, 2, "evil", version="<b>1.0</b>"),
        draft(house, 3, kind=EventKind.RESCUED),
    )

    status, headers, body = await answer_of(house, "/feed/deletions.atom")
    feed = feedparser.parse(body)

    assert (status, headers["Content-Type"]) == (200, "application/atom+xml")
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == ["evil <b>1.0</b> was deleted", "demo 1.1 was deleted"]
    assert feed.feed.title == "Deleted from PyPI"
    again = feedparser.parse((await answer_of(house, "/feed/deletions.atom"))[2])
    assert [entry.id for entry in again.entries] == [entry.id for entry in feed.entries]
