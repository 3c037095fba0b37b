"""The embedded PostgreSQL inside the process that asks for it: tasks, threads, cancellation, two at once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mirror.errors import StartError
from mirror.postgres import embedded
from mirror.postgres.leftovers import inhabitants
from mirror.postgres.places import Places, places_in

DEADLINE_SECONDS = 15

Ask = Callable[[str, str], Awaitable[object]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  # conditions on other processes
            await asyncio.sleep(0.01)


async def test_it_may_be_left_in_another_task_than_it_was_entered_in(place: Path, ask: Ask) -> None:
    """Fixtures and exit stacks do so."""
    server = embedded(place)
    dsn = await asyncio.create_task(asyncio.wait_for(server.__aenter__(), DEADLINE_SECONDS))
    answer = await ask(dsn, "SELECT 1")
    await asyncio.create_task(asyncio.wait_for(server.__aexit__(None, None, None), DEADLINE_SECONDS))

    assert answer == 1
    assert inhabitants(place / "postgres" / "data") == ()


async def test_leaving_hands_the_server_to_whoever_stays(place: Path, ask: Ask, ask_patiently: Ask) -> None:
    """Two users of one directory in one process are an owner and an attached one, too."""
    first, second = embedded(place), embedded(place)
    await first.__aenter__()
    async with second:
        await first.__aexit__(None, None, None)

        assert await ask_patiently(places_in(place).dsn, "SELECT 1") == 1
    assert inhabitants(place / "postgres" / "data") == ()


async def test_a_start_that_is_cancelled_leaves_nothing_running(place: Path, ask: Ask) -> None:
    """Neither initdb nor a server; the next start succeeds."""
    places = places_in(place)

    async def enter() -> None:
        async with embedded(place):
            await asyncio.Event().wait()

    for happened in (initialising, running):
        task = asyncio.create_task(enter())
        await until(lambda happened=happened: happened(places))  # type: ignore[misc]  # a default binds the loop's value
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert inhabitants(places.data) == ()
    async with embedded(place) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


def initialising(places: Places) -> bool:
    """Whether initdb is at work."""
    return any(places.home.glob("data.new-*/base"))


def running(places: Places) -> bool:
    """Whether there is a postmaster, ready or not."""
    return (places.data / "postmaster.pid").exists()


async def test_an_exception_inside_passes_and_the_server_stops(place: Path) -> None:
    """What fails inside is not the server's business."""
    with pytest.raises(ValueError, match="inside"):
        async with embedded(place):
            raise ValueError("inside")

    assert inhabitants(place / "postgres" / "data") == ()


async def test_other_threads_than_the_main_one_are_refused(place: Path) -> None:
    """The server would die with a thread that is not the process' own."""

    async def enter() -> None:
        async with embedded(place):
            raise AssertionError("entered")

    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(asyncio.run, enter())


async def test_a_refusal_is_one_line(place: Path) -> None:
    """It is shown to people."""
    (place / "file").write_text("")
    with pytest.raises(StartError) as refused:
        async with embedded(place / "file"):
            raise AssertionError("entered")

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("wanted", "given"), [(30, 60), (61, 61)])
async def test_the_server_takes_as_many_connections_as_are_wanted(
    place: Path, ask: Ask, wanted: int, given: int
) -> None:
    """More than the configuration file says where its reader needs more, never fewer."""
    async with embedded(place, connections=wanted) as dsn:
        assert await ask(dsn, "show max_connections") == str(given)
