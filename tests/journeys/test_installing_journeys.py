"""Installing through everpin, with upstream there and without."""

from datetime import timedelta
from pathlib import Path

from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, running
from tests.pypi_sim import PyPISim


async def test_what_was_installed_once_installs_without_upstream(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...]
) -> None:
    """A project and its dependency come through the mirror, and later from it, also when everpin was restarted."""
    uploaded_at = pypi.now() - timedelta(days=200)
    library = pypi.upload("leftpad", "1.0", uploaded_at=uploaded_at)
    pypi.upload("leftpad", "2.0", uploaded_at=uploaded_at)
    app = pypi.upload("Con.Sumer", "3.1", requires=("leftpad<2",), uploaded_at=uploaded_at, payload_size=500_000)

    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], "con-sumer")
    await pypi.stop()
    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], "con-sumer")
    assert await everpin.stop() == 0
    await everpin.start()
    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], "con-sumer")

    assert pypi.fetches(app.filename) == 1
    assert pypi.fetches(library.filename) == 1


async def test_a_page_that_upstream_cannot_confirm_is_served_and_says_so(
    pypi: PyPISim, installers: tuple[Installer, ...], reachable_tmp_path: Path
) -> None:
    """Without journal and without index, an old page is better than none; its age is in a header."""
    file = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    command = Everpin.of("mirror", reachable_tmp_path / "data", index_url=pypi.index_url, mirror__stale_after="0")
    async with running(command) as everpin:
        for installer in installers:
            await installer.gets(everpin.index_url, [file], "leftpad")
        await pypi.stop()

        for installer in installers:
            await installer.gets(everpin.index_url, [file], "leftpad")

        answer = await everpin.get("/simple/leftpad/")
        assert int(answer.headers["X-Everpin-Stale"]) >= 0
        assert await everpin.figure("everpin_stale_pages_total") >= 1


async def test_a_project_nobody_has_seen_fails_plainly_while_upstream_is_down(
    everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...]
) -> None:
    """Not knowing is a 503, never a 404; installers give up by themselves, and known projects go on."""
    file = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    pypi.upload("rightpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    for installer in installers:
        await installer.gets(everpin.index_url, [file], "leftpad")
    await pypi.stop()

    for installer in installers:
        # What it prints differs by installer and version; that it ends and installs nothing does not.
        await installer.impatient().is_refused(everpin.index_url, "rightpad")

    answer = await everpin.get("/simple/rightpad/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    for installer in installers:
        await installer.gets(everpin.index_url, [file], "leftpad")
