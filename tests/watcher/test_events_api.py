"""Events by cursor: every one of them once, whatever is filtered, forgotten or taken back meanwhile."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from yarl import URL

from mirror.catalog import events, journal
from mirror.errors import NotThereError
from mirror.event_kinds import EventKind
from mirror.events import EventDraft, Evidence, link_of_digest, next_link
from mirror.names import ProjectName, Serial
from mirror.targets import Verb, order_of
from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import Operator, Shell
from tests.watcher.houses import House, long_ago
from watcher.duties import forget_events
from watcher.feed import reading

MONTH = timedelta(days=30)


@pytest.fixture
def operator(house: House, pypi: PyPISim, database_url: str) -> Operator:
    """Somebody at a terminal beside the house."""
    return Operator(Shell(house.settings.data_dir / "shell", pypi.index_url), house, database_url)


def draft(house: House, serial: int, **changes: Any) -> EventDraft:
    """An event of that serial: a deleted release of one of three projects."""
    now, name = house.pypi.now(), ProjectName(f"demo-{serial % 3}")
    values: dict[str, Any] = {"kind": EventKind.RELEASE_DELETED, "version": f"1.{serial}"}
    values |= {"observed_at": now, "upstream_time": now, "evidence": Evidence.JOURNAL}
    return EventDraft(**{"project": name, "serial": Serial(serial), **values, **changes})


async def tell(house: House, *drafts: EventDraft) -> None:
    """Numbers and stores events."""
    async with house.catalog.writing() as conn:
        await events.append(conn, drafts)


async def ask(house: House, query: str = "", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of an answer."""
    async with house.http.get(URL(f"/api/v1/events{query}", encoded=True), headers=headers) as answer:
        return answer.status, answer.headers.copy(), await answer.read()


async def page_of(house: House, query: str = "") -> dict[str, Any]:
    """A page as JSON."""
    status, _, body = await ask(house, query)
    assert status == 200, body
    page: dict[str, Any] = json.loads(body)
    return page


async def numbers(house: House, query: str) -> list[int]:
    """The numbers of all events that whoever follows the pages gets."""
    page = await page_of(house, f"?{query}")
    got = list(page["events"])
    while page["more"]:
        page = await page_of(house, f"?{query}&since={page['next']}")
        got += page["events"]
    return [int(event["data"]["cursor"].partition("-")[2]) for event in got]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=4", range(1, 31)),
        ("limit=3&project=demo-1", range(1, 31, 3)),
        ("limit=3&project=demo-1&kind=release.yanked", [10, 25]),
        ("limit=2&kind=release.yanked", range(5, 31, 5)),
        ("limit=3&project=*-1&project=demo-2", [n for n in range(1, 31) if n % 3]),
        ("limit=3&kind=rescued", []),
        ("limit=1&stable_only=true&project=demo-*&kind=release.yanked", range(5, 30, 5)),
    ],
)
async def test_whoever_follows_the_pages_gets_every_event_once(
    house: House, monkeypatch: pytest.MonkeyPatch, query: str, expected: Any
) -> None:
    """With any filter, also where much is looked at for little."""
    monkeypatch.setattr(reading, "MOST_READ", 7)
    yanked: dict[str, Any] = {"kind": EventKind.RELEASE_YANKED}
    rc: dict[str, Any] = {"version": "2.0rc1"}
    await tell(
        house, *(draft(house, n, **(yanked if n % 5 == 0 else {}), **(rc if n == 30 else {})) for n in range(1, 31))
    )

    assert await numbers(house, query) == list(expected)


async def test_events_come_one_a_line_to_who_asks_for_that(house: House) -> None:
    """By `Accept` or in the query; what else a page says stands in headers, and the next page is linked."""
    await tell(house, *(draft(house, serial) for serial in range(1, 6)))

    _, headers, body = await ask(house, "?limit=3&project=demo-*", Accept="application/x-ndjson")
    status, _, rest = await ask(house, f"?format=ndjson&since={headers['X-Everpin-Next']}")
    link = headers["Link"]
    linked = await page_of(house, link[link.index("<") + 1 : link.index(">")])

    lines = [json.loads(line) for line in body.splitlines()]
    assert [line["data"]["cursor"] for line in lines] == ["1-1", "1-2", "1-3"]
    assert headers["Content-Type"] == "application/x-ndjson"
    assert (headers["X-Everpin-Next"], headers["X-Everpin-More"]) == ("1-3", "true")
    assert link.endswith('; rel="next"')
    assert (status, len(rest.splitlines())) == (200, 2)
    assert [event["data"]["cursor"] for event in linked["events"]] == ["1-4", "1-5"]
    assert (await ask(house, "?format=xml"))[0] == 400
    _, headers, _ = await ask(house, "?format=ndjson&limit=1&project=demo-*" + f"&project={'x' * 60}" * 99)
    assert (headers["X-Everpin-More"], "Link" in headers) == ("true", False)


async def test_a_page_says_since_when_the_journal_is_watched(house: House) -> None:
    """Of what was before, not everything was told."""
    async with house.catalog.reading() as conn:
        since = await conn.fetchval("select observed_since from journal")

    page = await page_of(house)

    assert page["observed_since"].rstrip("Z") == since.isoformat().removesuffix("+00:00")
    assert page["held_after"] == {"cursor": "1-0", "chain": ""}


async def test_what_retention_has_dropped_is_gone_and_said_to_be(
    house: House, pypi: PyPISim, operator: Operator
) -> None:
    """Old cursors are answered with 410 and where to begin; from there all is told, and the chain goes on."""
    await tell(house, *(draft(house, serial) for serial in range(1, 4)))
    pypi.advance(MONTH)
    await tell(house, draft(house, 4, version="4.0rc1"), draft(house, 5))
    await forget_events(house.catalog, None, now=pypi.now())
    before = await page_of(house)
    await forget_events(house.catalog, MONTH / 2, now=pypi.now())

    status, _, body = await ask(house, "?since=1-2")
    page = await page_of(house, f"?since={json.loads(body)['oldest']}")
    said = await operator.says("events", "--stable-only", "--project", "demo-*")

    assert [event["data"]["cursor"] for event in before["events"]] == [f"1-{number}" for number in range(1, 6)]
    assert (status, json.loads(body)) == (410, {"resync": True, "oldest": "1-3"})
    assert page["events"] == (await page_of(house))["events"] == before["events"][3:]
    assert page["held_after"] == {"cursor": "1-3", "chain": before["events"][2]["chain"]}
    assert [line.partition(" ")[0] for line in said] == ["1-5"]
    assert await house.kinds() == ["release.deleted demo-1 4.0rc1", "release.deleted demo-2 1.5"]


async def test_a_redacted_event_says_nothing_any_more(house: House, operator: Operator) -> None:
    """Its place, and the digest without which nobody could check the chain. That it was done is an event, too."""
    reason = "a person's name"
    await tell(house, draft(house, 1), draft(house, 2, kind=EventKind.RELEASE_YANKED, yanked_reason=reason))

    done = await operator.says("redact", "1-2", "--reason", "names a person")
    with pytest.raises(NotThereError, match="no event is held whose id or cursor is '1-9'"):
        await house.orders.event_of("1-9")
    with pytest.raises(NotThereError, match=r"what the event 2-release\.yanked said was taken away before"):
        await house.orders.event_of("1-2")

    first, redacted, act = (await page_of(house))["events"]
    assert done == ["act 1: redacted 2-release.yanked"]
    assert redacted["data"] == {"cursor": "1-2", "redacted": True}
    assert redacted["chain"] == link_of_digest(first["chain"], redacted["id"], redacted["payloadsha256"])
    assert (act["data"]["act"]["verb"], act["data"]["act"]["target"]) == ("redact", "event:2-release.yanked")
    payload = json.dumps({key: act["data"][key] for key in act["data"] if key != "cursor"}, separators=(",", ":"))
    assert act["chain"] == next_link(redacted["chain"], act["id"], payload.encode())
    assert reason.encode() not in (await ask(house))[2]
    async with house.catalog.reading() as conn:
        assert (await events.held(conn)).redacted == 1


async def test_a_redaction_outlives_the_catalog(house: House) -> None:
    """It is noted beside the bytes: a database from before it takes the words away once more."""
    await tell(house, draft(house, 1))
    redaction = order_of(Verb.REDACT, "event:1-release.deleted", actor="olga", reason="so be it")
    async with house.catalog.reading() as conn:
        payload = await conn.fetchval("select payload from event_payloads")
    await house.orders.carry_out(redaction)
    before, *_ = await house.events()
    async with house.catalog.writing() as conn:
        await conn.execute("delete from redactions")
        await conn.execute("delete from acts")
        await conn.execute("insert into event_payloads (number, payload) values (1, $1)", payload)

    await house.orders.finish()

    told, *_ = await house.events()
    assert told.payload is None
    assert told == before


async def test_an_event_says_since_when_we_look_at_what_it_is_about(house: House, pypi: PyPISim) -> None:
    """At the project where it is known, else at the journal; what is about neither says nothing."""
    for name in ("known", "unknown"):
        pypi.upload(name, "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.advance(timedelta(hours=1))
    await house.page("known")
    for name in ("known", "unknown"):
        pypi.delete_project(name)
    await house.poll()
    await house.orders.carry_out(order_of(Verb.BLOCK, "unheard", actor="olga", reason="so be it"))

    said = {payload.project: payload.observed_since for payload in await house.payloads()}
    async with house.catalog.reading() as conn:
        position = await journal.position(conn)
    assert position is not None
    assert said["known"] == (await house.memory("known")).project.known_since
    assert said["unknown"] == position.observed_since
    assert said["known"] != said["unknown"]
    assert said[None] is None
