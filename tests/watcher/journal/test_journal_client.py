"""The client reads what PyPI was seen answering, and believes an answer as a whole or not at all."""

import asyncio
import gzip
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import pytest
from aiohttp import web

from mirror.errors import UpstreamUnavailableError
from mirror.journal_rows import Other, ProjectRemoved, ReleaseRemoved
from mirror.names import Serial
from tests.watcher.journal.journal_upstream import Upstream, answer_of, recorded, refusal, rows_of
from watcher.journal.client import PAGE_SIZE, JournalClient

P = ParamSpec("P")
T = TypeVar("T")


async def test_the_last_serial_is_read(upstream: Upstream, client: JournalClient) -> None:
    """From PyPI's own answer."""
    upstream.says(recorded("last_serial"))

    assert await client.last_serial() == 79
    assert upstream.asked == [("changelog_last_serial", ())]


async def test_requests_have_the_content_type_that_upstream_routes_by(
    upstream: Upstream, client: JournalClient
) -> None:
    """PyPI redirects anything but text/xml to a web page."""
    upstream.says(recorded("last_serial"))

    await client.last_serial()

    assert upstream.headers[0]["content-type"] == "text/xml"


async def test_an_empty_journal_has_the_last_serial_0(upstream: Upstream, client: JournalClient) -> None:
    """PyPI sends nil then."""
    upstream.says(answer_of(None))

    assert await client.last_serial() == 0


@pytest.mark.parametrize("value", [-1, True, "79", 2**31 - 1 + 0.5, [], {}])
async def test_a_last_serial_that_is_none_is_refused(upstream: Upstream, client: JournalClient, value: object) -> None:
    """A cursor must never be set from it."""
    upstream.says(answer_of(value))

    with pytest.raises(UpstreamUnavailableError, match="the journal's last serial is not a serial"):
        await client.last_serial()


async def test_rows_above_a_serial_are_read_in_order(upstream: Upstream, client: JournalClient) -> None:
    """A version of nil is no version."""
    upstream.says(recorded("since_three_rows"))

    rows = await client.since(Serial(76))

    assert upstream.asked == [("changelog_since_serial", (76,))]
    assert [(row.serial, row.name, row.version) for row in rows] == [
        (77, "evil2", None),
        (78, "solo-project", None),
        (79, "fresh-one", None),
    ]
    assert {type(row.action) for row in rows} == {ProjectRemoved}


async def test_nothing_new_is_no_rows(upstream: Upstream, client: JournalClient) -> None:
    """An empty page is an answer."""
    upstream.says(recorded("since_no_rows"))

    assert await client.since(Serial(79)) == ()


async def test_every_row_of_a_real_journal_is_understood(upstream: Upstream, client: JournalClient) -> None:
    """Releases, files, roles, yanks, quarantines and removals, across a gap in the serials."""
    upstream.says(recorded("since_whole_journal"))

    rows = await client.since(Serial(0))

    assert len(rows) == 77
    assert not [row for row in rows if isinstance(row.action, Other)]
    assert [row.version for row in rows if isinstance(row.action, ReleaseRemoved)] == ["1.2", "0.2", "0.1", "1.0"]
    assert {62, 65} <= {row.serial for row in rows}
    assert not {63, 64} & {row.serial for row in rows}


async def test_a_full_page_is_decoded_and_the_next_one_asked_from_its_last_row(
    upstream: Upstream, client: JournalClient
) -> None:
    """A caller that loops until a page is not full has every row once."""
    journal = rows_of(*range(1, PAGE_SIZE + 3))

    async def answer(request: web.Request) -> web.Response:
        _, (serial,) = upstream.asked[-1]
        assert isinstance(serial, int)
        return web.Response(body=answer_of(journal[serial : serial + PAGE_SIZE]))

    upstream.answer = answer

    first = await client.since(Serial(0))
    second = await client.since(first[-1].serial)

    assert (len(first), first[0].serial, first[-1].serial) == (PAGE_SIZE, 1, PAGE_SIZE)
    assert [row.serial for row in second] == [PAGE_SIZE + 1, PAGE_SIZE + 2]


class CountingExecutor(ThreadPoolExecutor):
    """Counts what is handed to threads."""

    handed = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.handed += 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize(("rows", "threads"), [(3, 0), (5000, 1)])
async def test_only_a_large_answer_is_decoded_in_a_thread(
    upstream: Upstream, client: JournalClient, rows: int, threads: int
) -> None:
    """The loop serves others meanwhile; for a small one a thread would only cost."""
    executor = CountingExecutor()
    asyncio.get_running_loop().set_default_executor(executor)
    upstream.says(answer_of(rows_of(*range(1, rows + 1))))

    assert len(await client.since(Serial(0))) == rows
    assert executor.handed == threads


@pytest.mark.parametrize(
    ("serials", "since", "sentence"),
    [
        ((8, 10, 9), 7, "the journal's answer is out of order: row 9 after 10"),
        ((8, 8), 7, "the journal's answer is out of order: row 8 after 8"),
        ((7, 8), 7, "the journal's answer is out of order: row 7 after 7"),
        ((3,), 7, "the journal's answer is out of order: row 3 after 7"),
    ],
)
async def test_an_answer_out_of_order_is_refused_as_a_whole(
    upstream: Upstream, client: JournalClient, serials: tuple[int, ...], since: int, sentence: str
) -> None:
    """A cursor that follows it would lose rows or run in circles."""
    upstream.says(answer_of(rows_of(*serials)))

    assert await refusal(client, since) == sentence


async def test_one_bad_row_makes_the_answer_unusable(upstream: Upstream, client: JournalClient) -> None:
    """To skip it would be to lose what it says."""
    upstream.says(answer_of([*rows_of(1), ["leftpad", None, "today", "remove project", 2]]))

    expected = "the journal's answer is unusable: the time of journal row 2 is a str, not an int"
    assert await refusal(client) == expected


async def test_an_answer_that_is_no_list_is_refused(upstream: Upstream, client: JournalClient) -> None:
    """Such as a serial where rows were asked for."""
    upstream.says(recorded("last_serial"))

    assert await refusal(client) == "the journal's answer is not a list of rows"


async def test_a_packed_answer_is_unpacked(upstream: Upstream, client: JournalClient) -> None:
    """Full pages shrink to a twentieth on the wire."""
    upstream.says(gzip.compress(recorded("since_three_rows")), headers={"Content-Encoding": "gzip"})

    assert len(await client.since(Serial(76))) == 3
