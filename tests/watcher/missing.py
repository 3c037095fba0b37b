"""Projects of which something is missing from the index, and the time that passes over it."""

from datetime import timedelta

from mirror.event_kinds import EventKind
from mirror.events import Payload
from mirror.names import ProjectName
from tests.watcher.houses import House, long_ago

NAME = ProjectName("demo")
OLD = "demo-1.0-py3-none-any.whl"
NEW = "demo-1.1-py3-none-any.whl"


async def known(house: House, *versions: str, kept: bool = True) -> None:
    """Files of long ago that everpin saw, and fetched where they shall be kept."""
    for version in versions:
        house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=200))
    for filename in await house.listed("demo"):
        if kept:
            assert (await house.get(await house.url("demo", filename)))[0] == 200
    if house.pypi.faults.xmlrpc is None:
        await house.watch()


async def look(house: House) -> None:
    """The page is asked for, as it is now and then."""
    await house.refresher.refresh(NAME)


async def later(house: House, **span: float) -> None:
    """Time passes, and a watcher does what it does all the time."""
    house.pypi.advance(timedelta(**span))
    await house.watch()
    await house.confirm()


async def unread(house: House) -> None:
    """Time passes while the journal cannot be read; it is waited for a little longer."""
    house.pypi.advance(timedelta(minutes=6))
    await house.confirm()
    assert "disappeared" not in " ".join(await house.kinds())
    house.pypi.advance(timedelta(minutes=1))
    await house.confirm()


async def disappeared(house: House, *versions: str) -> str:
    """A project whose newest release has disappeared; the id of the event."""
    await known(house, *(versions or ("1.0", "1.1")))
    house.pypi.vanish_release("demo", "1.1")
    await look(house)
    await later(house, minutes=6)
    (event,) = await house.events()
    assert event.kind is EventKind.DISAPPEARED
    return event.id


async def last_told(house: House) -> Payload:
    """What was told last."""
    return (await house.payloads())[-1]


async def judged(house: House) -> dict[str, str]:
    """The states as the clock leaves them."""
    await house.refresher.judge_if_due(NAME, (await house.memory("demo")).files)
    return await house.states("demo")
