"""Who watches pushes what it tells, at once."""

from datetime import timedelta

import aiohttp

from mirror.catalog import notices, webhooks
from tests.pypi_sim import PyPISim
from tests.subscribers import subscriber
from tests.watcher.houses import House, eventually, until
from tests.watcher.webhooks.deliveries import Office, target
from watcher.duties import Duties
from watcher.feed.filters import Filter
from watcher.webhooks.delivery import Post
from watcher.webhooks.dispatch import Sessions
from watcher.webhooks.egress import sending_session
from watcher.webhooks.targets import Targets


async def test_a_deletion_is_pushed_when_it_is_told(house: House, pypi: PyPISim) -> None:
    """Nobody waits for the next time that somebody looks."""

    async def has_a_target() -> bool:
        async with house.catalog.reading() as conn:
            return bool(await webhooks.targets(conn))

    async with (
        subscriber() as to,
        aiohttp.ClientSession() as session,
        sending_session(allow_private=True) as sending,
    ):
        post = Post(
            Targets([target(to)], _no_locks),
            Sessions(sending, sending),
            "https://mirror.example.org/",
            pypi.now,
            tick=timedelta(hours=1),
        )
        duties = Duties(
            catalog=house.catalog,
            session=session,
            refresher=house.refresher,
            supply=house.supply,
            settings=house.settings,
            rules=house.rules,
            claimer=house.claimer,
            now=pypi.now,
            post=post,
        )
        async with duties.performed(), notices.listening(house.catalog.url, duties.heard):
            await eventually(has_a_target)
            (event_id,) = await Office(house.catalog, post.sessions).tell("1.0")
            await until(lambda: to.versions == ["1.0"])

    assert to.ids == [event_id]
    assert to.accepted[0]["source"] == "https://mirror.example.org/"


async def _no_locks(_: int) -> Filter | None:
    return None
