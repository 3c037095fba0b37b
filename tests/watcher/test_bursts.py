"""Many deletions of one project at once: each is an event of its own, and all say that they belong together."""

from datetime import timedelta

from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, long_ago

MANY = 1_000


async def _bursts(house: House) -> list[str | None]:
    return [payload.burst_id for payload in await house.payloads()]


async def test_deletions_within_minutes_are_a_burst(house: House, pypi: PyPISim) -> None:
    """The first one, told before anybody knew, has no burst; the others go by its id, and a later one by nobody's."""
    for n in range(6):
        pypi.upload("demo", f"1.{n}", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    for n in range(3):
        pypi.delete_release("demo", f"1.{n}")
        await house.poll()
        pypi.advance(timedelta(minutes=9))
    pypi.advance(timedelta(minutes=9))
    pypi.delete_release("demo", "1.3")
    await house.poll()

    first, *_ = await house.events()
    assert await _bursts(house) == [None, first.id, first.id, None]


async def test_a_burst_that_is_told_at_once_has_its_first_event_in_it(house: House, pypi: PyPISim) -> None:
    """Of unknown projects as of known ones; a project's own deletion belongs to it."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.watch()
    await house.page("demo")
    for name in ("demo", "unheard"):
        pypi.upload(name, "1.1")
        pypi.delete_release(name, "1.1")
        pypi.delete_project(name)
    await house.poll()

    demo, _, unheard, _ = events = await house.events()
    assert [event.project for event in events] == ["demo", "demo", "unheard", "unheard"]
    assert await _bursts(house) == [demo.id, demo.id, unheard.id, unheard.id]


async def test_a_thousand_removals_are_a_thousand_events_in_order(house: House, pypi: PyPISim) -> None:
    """Each with what remained after it, and all of one burst."""
    for n in range(MANY + 1):
        pypi.upload("demo", f"1.{n}", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    await house.page("demo")
    for n in range(MANY):
        pypi.delete_release("demo", f"1.{MANY - n}")
    await house.poll()

    told = await house.payloads()
    assert [payload.version for payload in told] == [f"1.{MANY - n}" for n in range(MANY)]
    assert [payload.remaining_releases for payload in told] == list(range(MANY, 0, -1))
    assert [payload.latest_remaining for payload in told] == [f"1.{MANY - n - 1}" for n in range(MANY)]
    assert {payload.was_latest for payload in told} == {True}
    assert {payload.burst_id for payload in told} == {(await house.events())[0].id}
    assert [len(payload.files or ()) for payload in told] == [1] * MANY
