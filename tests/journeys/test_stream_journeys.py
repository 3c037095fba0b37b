"""Who follows the events gets each of them once, whatever becomes of everpin meanwhile."""

import asyncio
from pathlib import Path

from tests.journeys.inhabitants import until_nobody_lives_in
from tests.journeys.processes import Everpin, running
from tests.pypi_sim import PyPISim
from tests.watcher.following import following
from tests.watcher.houses import long_ago


async def test_a_follower_misses_nothing_when_everpin_dies(pypi: PyPISim, reachable_tmp_path: Path) -> None:
    """It comes again with the id it had last; and when everpin is stopped in good order, so do streams end."""
    for minor in range(5):
        pypi.upload("leftpad", f"1.{minor}", uploaded_at=long_ago(pypi, days=200))
    settings = {"index_url": pypi.index_url, "mirror__processes": "2"}
    async with running(Everpin.of("up", reachable_tmp_path / "data", **settings)) as everpin:
        async with following(everpin.url) as follower:
            pypi.delete_release("leftpad", "1.0")
            received = await follower.events(1)
            # Whether this one is still told before the end is nobody's promise.
            pypi.delete_release("leftpad", "1.1")
            await everpin.kill()
            received += await follower.rest()
        await until_nobody_lives_in(everpin.data_dir)
        pypi.delete_release("leftpad", "1.2")
        await everpin.start()
        async with following(everpin.url, follower.place) as again, following(everpin.url, "1-0") as other:
            received += await again.events(3 - len(received))
            pypi.delete_release("leftpad", "1.3")
            received += await again.events(1)
            whole = await other.events(4)
            figure = await everpin.figure("everpin_sse_subscribers")
            told = await everpin.told()
            stopping = asyncio.create_task(everpin.stop())
            ends = [await again.next(), await other.next()]
            status = await stopping

    assert [event["data"]["version"] for event in received] == ["1.0", "1.1", "1.2", "1.3"]
    assert [event["id"] for event in received] == [each.id for each in told]
    assert whole == received
    assert (figure, ends, status) == (2, [None, None], 0)
