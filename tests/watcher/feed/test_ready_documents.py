"""Feed documents in memory: made once, made again when something changed, and not too many of them."""

import asyncio
import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from mirror.catalog.event_ranges import Told
from mirror.index.render import Rendered, rendered
from mirror.web.problems import Problem
from watcher.feed import Archive, Channel, Form, ready
from watcher.feed.filters import EventFilter, Filter
from watcher.feed.ready import Asked, ReadyDocuments

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = Told(uuid.UUID(int=1), 1, START, last=0, forgotten=0, redacted=0, observed_since=None)
ANY = EventFilter()


@dataclass
class Maker:
    """Makes documents that say how many events had been told; notes of which it was asked."""

    told: Told = NOTHING
    now: datetime = START
    made: list[str] = field(default_factory=list)
    body: bytes | None = None

    async def look(self) -> Told:
        return self.told

    async def make(self, asked: Asked, _wanted: Filter, told: Told) -> Rendered:
        self.made.append(asked.channel.path)
        await asyncio.sleep(0)
        return rendered(self.body or f"{asked.channel.path} {told.last}".encode(), "text/plain")

    def tell(self) -> None:
        self.told = replace(self.told, last=self.told.last + 1)

    def documents(self, most_bytes: int = 1_000_000) -> ReadyDocuments:
        return ReadyDocuments(look=self.look, make=self.make, now=lambda: self.now, most_bytes=most_bytes)


def asked(path: str = "/a", archive: Archive | None = None) -> Asked:
    return Asked(Form.ATOM, Channel("All", "https://a.example.org", path), archive)


async def test_a_document_is_made_once_however_many_ask_for_it() -> None:
    """Also when they ask at the same time."""
    maker = Maker()
    documents = maker.documents()

    answers = await asyncio.gather(*(documents.get(asked(), ANY) for _ in range(20)))
    await documents.get(asked(), ANY)

    assert maker.made == ["/a"]
    assert len({answer.etag for answer in answers}) == 1


async def test_a_document_is_made_again_when_something_was_told() -> None:
    """An archive is not; when something was taken away, both are."""
    maker = Maker()
    documents = maker.documents()

    async def made_of(archive: Archive | None) -> int:
        before = len(maker.made)
        await documents.get(asked(archive=archive), ANY)
        return len(maker.made) - before

    first = [await made_of(None), await made_of(Archive(1, 0))]
    maker.tell()
    told = [await made_of(None), await made_of(Archive(1, 0))]
    maker.told = replace(maker.told, redacted=1)
    redacted = [await made_of(None), await made_of(Archive(1, 0))]
    maker.told = replace(maker.told, forgotten=1)
    forgotten = [await made_of(None), await made_of(Archive(1, 0))]
    idle = [await made_of(None), await made_of(Archive(1, 0))]

    assert [first, told, redacted, forgotten, idle] == [[1, 1], [1, 0], [1, 1], [1, 1], [0, 0]]


async def test_a_document_is_looked_at_again_after_some_minutes() -> None:
    """Entries grow older than a day; and a clock can be set back."""
    maker = Maker()
    documents = maker.documents()
    await documents.get(asked(), ANY)
    for span in (timedelta(minutes=4), timedelta(minutes=2), -timedelta(minutes=9)):
        maker.now += span
        await documents.get(asked(), ANY)

    assert len(maker.made) == 3


async def test_a_large_document_is_made_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless something was taken away."""
    monkeypatch.setattr(ready, "_SMALL_BYTES", 0)
    monkeypatch.setattr(ready, "_PARTS", 1e9)
    maker = Maker()
    documents = maker.documents()
    await documents.get(asked(), ANY)
    maker.tell()
    old = await documents.get(asked(), ANY)
    maker.told = replace(maker.told, redacted=1)
    new = await documents.get(asked(), ANY)

    assert (await old.unpacked(), await new.unpacked()) == (b"/a 0", b"/a 1")


async def test_documents_take_no_more_memory_than_they_may() -> None:
    """Those not asked for longest go; one that is larger than all of it is held as long as it is the last."""
    maker = Maker(body=os.urandom(3_000))
    documents = maker.documents(most_bytes=11_000)
    for path in ("/a", "/b", "/a", "/c", "/a", "/b"):
        await documents.get(asked(path), ANY)
    maker.body = os.urandom(50_000)
    for path in ("/d", "/d", "/a"):
        await documents.get(asked(path), ANY)

    assert maker.made == ["/a", "/b", "/c", "/b", "/d", "/a"]


async def test_what_is_held_of_long_addresses_counts_as_well() -> None:
    """Of ten thousand wishes that nothing fits, the documents are small and what was wished for is not."""
    maker = Maker()
    documents = maker.documents(most_bytes=100_000)
    for path in ("/a", *(f"/{number}?{'x' * 7_000}" for number in range(2)), "/a"):
        await documents.get(asked(path), ANY)

    assert maker.made.count("/a") == 2


async def test_those_who_ask_for_ever_new_documents_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for long, and nobody else waits for them: what was there before is made again meanwhile."""
    monkeypatch.setattr(ready, "_LONGEST_WAIT_SECONDS", 0.05)
    maker, going_on = Maker(), asyncio.Event()

    async def make(asked: Asked, wanted: Filter, told: Told) -> Rendered:
        if asked.channel.path != "/a":
            await going_on.wait()
        return await maker.make(asked, wanted, told)

    documents = ReadyDocuments(look=maker.look, make=make, now=lambda: START, most_bytes=100_000)
    await documents.get(asked("/a"), ANY)
    new = [asyncio.create_task(documents.get(asked(f"/{number}"), ANY)) for number in range(5)]
    async with asyncio.timeout(30):
        await asyncio.wait(new, return_when=asyncio.FIRST_EXCEPTION)
        maker.tell()
        again = await documents.get(asked("/a"), ANY)
    going_on.set()
    ends = await asyncio.gather(*new, return_exceptions=True)

    assert await again.unpacked() == b"/a 1"
    assert [end.status for end in ends if isinstance(end, Problem)] == [503] * 3


async def test_another_filter_at_the_same_address_gets_its_own_document() -> None:
    """As when the lock behind a private feed was given anew."""
    maker = Maker()
    documents = maker.documents()
    await documents.get(asked(), ANY)
    await documents.get(asked(), EventFilter(stable_only=True))

    assert len(maker.made) == 2


async def test_a_changed_document_is_never_of_the_same_second() -> None:
    """Who knows only the time must not take it for the one before; what stays the same keeps its time."""
    maker = Maker()
    documents = maker.documents()
    times = [(await documents.get(asked(), ANY)).modified]
    for _ in range(2):
        maker.tell()
        times.append((await documents.get(asked(), ANY)).modified)
    maker.body = b"the same"
    for _ in range(2):
        maker.tell()
        maker.now += timedelta(minutes=1)
        times.append((await documents.get(asked(), ANY)).modified)

    begin = int(START.timestamp())
    assert times == [begin, begin + 1, begin + 2, begin + 60, begin + 60]


async def test_what_cannot_be_made_is_tried_again() -> None:
    """A failure is told to who asked, and to nobody else."""
    maker = Maker()
    failures = [RuntimeError("the catalog is gone")]

    async def make(asked: Asked, wanted: Filter, told: Told) -> Rendered:
        if failures:
            raise failures.pop()
        return await maker.make(asked, wanted, told)

    documents = ReadyDocuments(look=maker.look, make=make, now=lambda: START, most_bytes=1_000)

    with pytest.raises(RuntimeError):
        await documents.get(asked(), ANY)
    assert await (await documents.get(asked(), ANY)).unpacked() == b"/a 0"
