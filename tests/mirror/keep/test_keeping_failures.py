"""A download that fails tells everybody who waits, is logged once, leaves no spool and can be tried again."""

import asyncio
import gc

import pytest
from structlog.testing import capture_logs

from mirror.errors import CatalogUnavailableError, EverpinError, NotThereError, UpstreamUnavailableError
from tests.mirror.keep.conftest import BODY, PIECES, House, seen_before_failing, until, whole
from tests.mirror.upstream.canned_upstream import canned_upstream, redirects, says, says_nothing, streams


async def test_nobody_gets_the_last_byte_of_what_was_not_recorded(house: House) -> None:
    """A catalog that is down fails the download, though the bytes were right."""
    house.upstream.answers["/f"] = streams(PIECES)
    house.catalog_is_down = True

    seen = await seen_before_failing(house.keeper.fetch(house.wanted(BODY)), CatalogUnavailableError)

    assert len(seen) < len(BODY)
    assert house.spooled() == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotThereError), (410, NotThereError), (403, NotThereError), (503, UpstreamUnavailableError)],
)
async def test_upstreams_refusal_reaches_everybody_who_waits(
    house: House, status: int, error: type[EverpinError]
) -> None:
    """Before any byte, from all three ways to wait, each with an exception of its own."""
    house.upstream.answers["/f"] = says(status=status)
    download = house.keeper.fetch(house.wanted(BODY))

    outcomes = await asyncio.gather(
        download.opened(), download.finished(), whole(download), download.finished(), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [error] * 4
    assert len({id(outcome) for outcome in outcomes}) == 4
    assert house.spooled() == []


async def test_a_failure_is_forgotten_by_the_next_who_asks(house: House) -> None:
    """Another request is another try."""
    with pytest.raises(NotThereError):
        await house.keeper.fetch(house.wanted(BODY)).finished()
    house.upstream.answers["/f"] = says(BODY)

    assert await whole(house.keeper.fetch(house.wanted(BODY))) == BODY


async def test_files_behind_a_foreign_redirect_are_refused(house: House) -> None:
    """And the foreign host is left alone."""
    async with canned_upstream() as foreign:
        foreign.answers["/f"] = says(BODY)
        house.upstream.answers["/f"] = redirects(f"{foreign.url}/f")

        with pytest.raises(UpstreamUnavailableError, match="does not follow"):
            await house.keeper.fetch(house.wanted(BODY)).finished()

        assert foreign.asked == []


async def test_a_failure_that_nobody_waits_for_is_logged_once(house: House) -> None:
    """With its reason, in one line, and without noise from the event loop."""
    noise: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    with capture_logs() as logs:
        house.keeper.fetch(house.wanted(BODY))
        await until(lambda: bool(logs))
        await house.keeper.close()
        gc.collect()

    assert [(log["event"], log["reason"], log["filename"]) for log in logs] == [
        ("keep.failed", "NotThereError", "leftpad-1.0.tar.gz")
    ]
    assert noise == []


async def test_a_defect_reaches_those_who_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever because of an error that nobody thought of."""

    async def broken() -> tuple[str, ...]:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(house, "allowed_hosts", broken)
    with capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await whole(house.keeper.fetch(house.wanted(BODY)))

    assert [log["event"] for log in logs] == ["keep.crashed"]


async def test_closing_ends_what_runs(house: House) -> None:
    """Whoever waits is told, also for a download that had not yet begun, and no spool is left."""
    gate = asyncio.Event()
    house.upstream.answers["/f"] = streams(PIECES, announced=len(BODY), gate=gate)
    house.upstream.answers["/silent"] = says_nothing
    streaming = house.keeper.fetch(house.wanted(BODY))
    client = asyncio.create_task(whole(streaming))
    silent = house.keeper.fetch(house.wanted(BODY, path="/silent"))
    await streaming.opened()
    unbegun = house.keeper.fetch(house.wanted(b"other", path="/other"))

    await house.keeper.close()

    outcomes = await asyncio.gather(client, silent.finished(), unbegun.opened(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UpstreamUnavailableError] * 3
    assert house.spooled() == []
    assert await house.stored(BODY) is None
