"""What operators see of advisories: readiness, figures, status, and why a file is not served."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mirror.catalog.database import Catalog
from mirror.setting_sections import Safety
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.cli.shells import Shell
from tests.watcher.houses import House, house_of, long_ago


async def _degraded(house: House) -> list[str]:
    status, body = await house.get("/readyz")
    assert status == 200
    found: list[str] = json.loads(body)["degraded"]
    return [one for one in found if one == "advisories"]


async def _ages(house: House) -> dict[str, float]:
    _, body = await house.get("/metrics")
    (ages,) = [
        family
        for family in text_string_to_metric_families(body.decode())
        if family.name == "everpin_safety_age_seconds"
    ]
    return {sample.labels["source"]: sample.value for sample in ages.samples}


async def test_readiness_and_figures_say_how_old_they_are(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Never read is older than anything; a day without news of malware is a worry, though no reason not to serve."""
    async with (
        OsvSim(pypi.now) as osv,
        house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house,
    ):
        assert house.advisories is not None
        await house.poll()
        never = await _degraded(house), (await _ages(house))["osv"]
        await house.advisories.tick()
        fresh = await _degraded(house), (await _ages(house))["osv"]
        await osv.stop()
        pypi.advance(timedelta(hours=25))
        await house.advisories.tick()
        old = await _degraded(house), (await _ages(house))["osv"]
        journal = (await _ages(house))["journal"]

    assert never == (["advisories"], float("inf"))
    assert fresh[0] == []
    assert fresh[1] < 3_600
    assert old[0] == ["advisories"]
    assert 25 * 3_600 <= old[1] < 26 * 3_600
    assert 25 * 3_600 <= journal < 26 * 3_600


async def test_without_a_source_nobody_misses_them(house: House) -> None:
    """An index that is not PyPI has no advisories, unless it is told where they are."""
    assert house.advisories is None
    assert await _degraded(house) == []


@pytest.mark.parametrize("reads", [True, False])
async def test_commands_name_the_advisories(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path, shell: Shell, database_url: str, *, reads: bool
) -> None:
    """`status` says how many there are and how old, `explain` which of them calls a file malware."""
    async with (
        OsvSim(pypi.now) as osv,
        house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house,
    ):
        pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
        await house.page("demo")
        osv.publish("MAL-2026-1", "demo", versions=["1.0"])
        osv.publish("MAL-2026-2", "unheard", versions=["1.0"])
        await house.watch()
        settings = {"EVERPIN_DATABASE__URL": database_url, "EVERPIN_SAFETY__OSV_URL": osv.url if reads else ""}

        status = await shell.run("status", **settings)
        explained = await shell.run("explain", "demo==1.0", **settings)

    assert ("2 of malware, read" in status.out) is reads
    assert ("not read (safety.osv_url), 2 known" in status.out) is not reads
    assert "not served: it is called malware" in explained.out
    assert "called malware by MAL-2026-1" in explained.out
    assert "demo 1.0 is called malware by an advisory" in explained.out
