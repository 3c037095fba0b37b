"""Events of every kind are what the published schema says, and what the CloudEvents SDK takes."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest_asyncio
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given

from mirror.catalog.database import Catalog
from mirror.event_kinds import EventKind
from mirror.events import Event
from mirror.setting_sections import Safety
from mirror.targets import Verb, order_of
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.feed.told_events import SOURCE, hostile_events, redacted, told
from tests.watcher.houses import House, house_of, long_ago
from watcher import gaps
from watcher.duties import apply_clock
from watcher.feed import cloudevents, event_schema

FORMATS = jsonschema.FormatChecker([])
VALIDATOR = jsonschema.Draft202012Validator(json.loads(event_schema.document()), format_checker=FORMATS)


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    """Whether it is a time with a zone; jsonschema itself only looks with another library."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@pytest_asyncio.fixture
async def house(pypi: PyPISim, osv: OsvSim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin that reads the journal and advisories."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house:
        await house.poll()
        yield house


async def known(house: House, name: str, *versions: str, fetched: bool = True) -> None:
    """Wheels of long ago that everpin has seen and, where they shall be kept, fetched."""
    for version in versions:
        house.pypi.upload(name, version, uploaded_at=long_ago(house.pypi, days=200))
    for filename in await house.listed(name):
        if fetched:
            assert (await house.get(await house.url(name, filename)))[0] == 200


async def order(house: House, verb: Verb, target: str) -> None:
    await house.orders.carry_out(order_of(verb, target, actor="olga", reason="so be it"))


async def live_through_everything(house: House, osv: OsvSim) -> None:
    """Acts of every kind, seen by the journal, by pages, by advisories and by operators."""
    pypi = house.pypi
    pypi.upload("unknown", "1.0", uploaded_at=long_ago(pypi, days=200))
    await known(house, "demo", *(f"1.{number}" for number in range(6)))
    await known(house, "gone", "1.0", "1.1")
    await known(house, "quarantined", "1.0", "2.0")
    await known(house, "malware", "1.0")
    await known(house, "late", "1.0", "1.1", fetched=False)
    await house.watch()
    pypi.delete_project("unknown")
    pypi.delete_file("demo", "demo-1.0-py3-none-any.whl")
    pypi.delete_release("demo", "1.1")
    pypi.delete_release("late", "1.1")
    pypi.yank("demo", "1.2", "broken")
    pypi.quarantine_project("quarantined")
    pypi.archive("late")
    osv.publish("MAL-2026-1", "malware", versions=["1.0"])
    await time_passes(house)
    pypi.unyank("demo", "1.2")
    pypi.clear_project_quarantine("quarantined")
    pypi.quarantine_release("quarantined", "2.0")
    pypi.delete_project("gone")
    pypi.vanish_release("demo", "1.3")
    release = pypi.project("demo").releases["1.4"]
    pypi.vanish_release("demo", "1.4")
    osv.withdraw("MAL-2026-1")
    await time_passes(house)
    pypi.project("demo").releases["1.4"] = release
    pypi.used_filenames.discard("demo-1.3-py3-none-any.whl")
    pypi.upload("demo", "1.3", content=b"other")
    pypi.clear_release_quarantine("quarantined", "2.0")
    pypi.upload("gone", "9.0", user="mallory")
    await order(house, Verb.PURGE, "demo==1.5")
    await order(house, Verb.BLOCK, "nothing-known")
    async with house.catalog.writing() as conn:
        await gaps.begin(conn, now=pypi.now())
    async with house.catalog.writing() as conn:
        await gaps.end(conn, now=pypi.now())
    await time_passes(house)
    await order(house, Verb.REDACT, "event:" + (await house.events())[0].id)


async def time_passes(house: House) -> None:
    """Enough for every page, for advisories, second looks and what waits to be told."""
    for _ in range(3):
        house.pypi.advance(timedelta(hours=7))
        await house.watch()
        await house.look_round()
        await house.confirm()
        await apply_clock(house.catalog, rules=house.rules, now=house.pypi.now())


async def test_whatever_happens_is_told_as_the_schema_says(house: House, osv: OsvSim) -> None:
    """Envelope and data of what the simulated PyPI can bring about, over HTTP."""
    await live_through_everything(house, osv)

    async with house.http.get(event_schema.PATH) as answer:
        schema, headers = await answer.read(), answer.headers
    async with house.http.get("/api/v1/events?limit=1000") as answer:
        page = await answer.json()

    assert headers["Content-Type"] == "application/schema+json"
    assert schema == event_schema.document()
    for event in page["events"]:
        VALIDATOR.validate(event)
        JSONFormat().read(None, json.dumps(event).encode())
        assert event["data"].get("redacted") or "observed_since" in event["data"]
    kinds = {event["type"].removeprefix("dev.everpin.") for event in page["events"]}
    # PyPI only yanks whole releases; an index that yanks a file is another one.
    assert set(EventKind) - kinds == {EventKind.FILE_YANKED, EventKind.FILE_UNYANKED}


def test_the_schema_is_a_schema() -> None:
    """Of the draft that it names, without references, so that it can be put into another document."""
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)

    assert b'"$ref"' not in event_schema.document()
    assert event_schema.event_schema().keys().isdisjoint({"$id", "$schema"})


def test_what_is_no_event_is_told_from_one() -> None:
    """A schema that takes everything would be of no use."""
    event = json.loads(cloudevents.envelope(told(), source=SOURCE))

    def wrong(**changes: Any) -> bool:
        return not VALIDATOR.is_valid(event | changes)

    assert not wrong()
    assert wrong(data=event["data"] | {"project": 3})
    assert wrong(data=event["data"] | {"observed_at": "yesterday"})
    assert wrong(data=event["data"] | {"verdicts": {"pep763": "perhaps"}})
    assert wrong(data={"cursor": "1-1"})
    assert wrong(data={"cursor": "1-1", "redacted": False})
    assert wrong(chain="no digest")
    assert wrong(type="org.example.other")


@given(hostile_events())
def test_hostile_events_are_what_the_schema_says(event: Event) -> None:
    """Of any kind, whatever upstream wrote, redacted or not."""
    for one in (event, redacted(event)):
        VALIDATOR.validate(json.loads(cloudevents.envelope(one, source=SOURCE)))
