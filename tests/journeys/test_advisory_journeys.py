"""Malware that becomes known while everpin runs, while it is down, and while the source of advisories is down."""

from pathlib import Path

from tests.journeys.processes import Everpin, running, until
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.houses import long_ago


async def test_malware_is_blocked_and_stays_so(pypi: PyPISim, reachable_tmp_path: Path) -> None:
    """A file that was just served is refused soon after the advisory, by name and with the reason, and off the page.

    It stays so while the source is down and after a restart, and ends with the withdrawal.
    """
    async with OsvSim(pypi.now) as osv:
        everpin = Everpin.of(
            "up",
            reachable_tmp_path / "data",
            index_url=pypi.index_url,
            safety__osv_url=osv.url,
            safety__osv_interval="1s",
        )
        good, bad = (pypi.upload("demo", version, uploaded_at=long_ago(pypi, days=200)) for version in ("1.0", "1.1"))
        async with running(everpin):
            address = await everpin.file_url("demo", bad.filename)
            assert (await everpin.get(address)).body == bad.content
            osv.publish("MAL-2026-1", "demo", versions=["1.1"])
            told = await everpin.until_told("advisory.blocked", "demo")
            await everpin.until_file_is("demo", bad.filename, listed=False)
            refused = await everpin.get(address)
            osv.faults["*"] = "down"
            assert await everpin.stop() == 0
            await everpin.start()
            still = await everpin.get(address)
            osv.faults.clear()
            osv.withdraw("MAL-2026-1")
            await everpin.until_told("advisory.withdrawn", "demo")
            await everpin.until_file_is("demo", bad.filename, listed=True)

            async def is_served() -> bool:
                return (await everpin.get(address)).body == bad.content

            await until(is_served)
            listed = await everpin.listed("demo")

    assert told.version == "1.1"
    assert (refused.status, still.status) == (403, 403)
    assert b"advisory" in refused.body
    assert listed == {good.filename: False, bad.filename: False}
