"""How much is fetched each second while no client waits."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mirror.catalog import backlog
from mirror.catalog.backlog import Priority
from mirror.keep.pace import Throttle
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, long_ago
from watcher.bandwidth import Bandwidth, Bucket
from watcher.keeper import BacklogKeeper


def test_a_burst_of_a_second_is_free_and_the_rest_waits() -> None:
    """Whoever takes more than there is waits until that is made good, and so does who comes next."""
    bucket = Bucket(100, now=0.0)

    assert [bucket.take(60, now=0.0), bucket.take(60, now=0.0), bucket.take(100, now=0.0)] == [0.0, 0.2, 1.2]
    assert bucket.take(0, now=1.2) == 0.0
    assert bucket.take(100, now=10.0) == 0.0


@given(
    rate=st.integers(1, 10**6),
    takes=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 10**6)), min_size=1, max_size=50),
)
def test_no_more_than_the_rate_ever_passes(rate: int, takes: list[tuple[float, int]]) -> None:
    """Whatever is taken when: once its wait is over, no more has passed than the rate and a second's worth allow."""
    bucket, now, taken = Bucket(rate, now=0.0), 0.0, 0
    for after, size in takes:
        now += after
        taken += size
        over = now + bucket.take(size, now=now)

        assert taken <= (over + 1) * rate * (1 + 1e-9) + 1e-3


def test_all_downloads_of_a_process_share_it() -> None:
    """The second one waits for what the first one took."""
    at = 7.0
    bandwidth = Bandwidth(1_000, seconds=lambda: at)

    assert (bandwidth(1_000), bandwidth(500)) == (0.0, 0.5)


async def test_who_waits_for_a_download_is_not_slowed_down() -> None:
    """Not even by a pause that has begun already."""
    throttle = Throttle(lambda _size: 3_600.0)
    paused = asyncio.create_task(throttle.wait(1))
    await asyncio.sleep(0)
    was_paused = not paused.done()

    throttle.lift()
    await paused
    await throttle.wait(10**12)

    assert was_paused
    assert throttle.is_lifted


async def test_a_client_who_joins_lifts_the_bandwidth(house: House, pypi: PyPISim) -> None:
    """What the keeper fetches slowly comes at full speed as soon as somebody asks for it."""
    asked: list[int] = []

    def pace(size: int) -> float:
        asked.append(size)
        return timedelta(days=1).total_seconds()

    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=200_000)
    await house.page("demo")
    (facts,) = (await house.memory("demo")).files
    async with house.catalog.writing() as conn:
        await backlog.add(conn, [facts.id or 0], Priority.NEW, now=pypi.now())
    keeper = BacklogKeeper(
        catalog=house.catalog,
        supply=house.supply,
        rules=house.rules,
        workers=2,
        claimer=house.claimer,
        now=pypi.now,
        pace=pace,
    )
    work = asyncio.create_task(keeper.work_off())

    async def is_paused() -> bool:
        return bool(asked)

    await eventually(is_paused)
    before = work.done()
    answer = await house.get(file.path)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    assert not before
    assert answer == (200, file.content)
    assert pypi.fetches(file.filename) == 1
