"""A house in which each thing has happened to some release that a pin can name."""

from datetime import timedelta

from mirror.names import ProjectName, Sha256
from mirror.targets import Verb, order_of
from tests.pypi_sim import File
from tests.watcher.houses import House, long_ago
from watcher.checking import Finding, check_pins
from watcher.locks import Pin


def pin(file: File) -> Pin:
    """The pin that a lock made of this file has."""
    return Pin(ProjectName(file.project), file.version, file.filename, Sha256(file.sha256), "uv.lock")


async def kept_all(house: House, name: str) -> None:
    """Has somebody fetch every file of the project."""
    for filename in await house.listed(name):
        assert (await house.get(await house.url(name, filename)))[0] == 200


async def order(house: House, verb: Verb, target: str) -> None:
    """An operator orders this."""
    await house.orders.carry_out(order_of(verb, target, actor="olga", reason="it steals tokens"))


async def everything_happened(house: House) -> dict[str, File]:
    """What the pins of a lock have come to; the files by the state they are in, and under it their names."""
    pypi = house.pypi
    old = long_ago(pypi, days=400)
    files = {
        state: pypi.upload(state, "1.0", uploaded_at=old) for state in ("live", "yanked", "kept", "blocked", "purged")
    }
    files["lost"] = pypi.upload("lost", "1.0", uploaded_at=old)
    files["held"] = pypi.upload("held", "1.0", uploaded_at=long_ago(pypi, hours=1))
    for name in files:
        for version in ("1.1", "2.0"):
            pypi.upload(name, version, uploaded_at=old)
    await house.poll()
    for name in files:
        if name != "lost":
            await kept_all(house, name)
    await house.page("lost")
    pypi.yank("yanked", "1.0", "leaks \x1b[31mmemory")
    pypi.faults.forget_deleted = True
    for name in ("kept", "held", "lost"):
        pypi.delete_release(name, "1.0")
    await order(house, Verb.BLOCK, "blocked==1.0")
    await order(house, Verb.PURGE, "purged==1.0")
    for _ in range(6):
        await house.watch()
        pypi.advance(timedelta(minutes=5))
    return files


async def checked(house: House, *pins: Pin) -> list[Finding]:
    """How the pins stand now."""
    async with house.catalog.reading() as conn:
        return list(await check_pins(conn, pins, rules=house.rules, now=house.pypi.now()))


async def one(house: House, asked: Pin) -> Finding:
    """How the pin stands now."""
    (finding,) = await checked(house, asked)
    return finding
