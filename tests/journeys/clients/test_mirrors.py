"""Other mirrors that read from an everpin as if it were PyPI: a second everpin, and bandersnatch."""

from pathlib import Path

from tests.journeys.clients.programs import Program
from tests.journeys.clients.stories import Upstream
from tests.journeys.installers import Installer
from tests.journeys.processes import Everpin, running, until


async def test_a_second_everpin_reads_from_the_first(
    everpin: Everpin, upstream: Upstream, installers: tuple[Installer, ...], reachable_tmp_path: Path
) -> None:
    """It has no journal to read there, and what the first one keeps it offers, too, as yanked with the same reason."""
    second = Everpin.of("up", reachable_tmp_path / "second", index_url=everpin.index_url, mirror__stale_after="1s")
    async with running(second):
        for installer in installers:
            await installer.gets(second.index_url, [upstream.app, upstream.library], "con-sumer")
        await upstream.forgets_the_library(everpin)

        async def is_yanked() -> bool:
            return bool((await second.listed("leftpad"))[upstream.library.filename])

        await until(is_yanked)
        yanks = await second.listed("leftpad")
        for installer in installers:
            await installer.gets(second.index_url, [upstream.library], "leftpad==1.0")
            await installer.is_refused(second.index_url, "leftpad<2")

    assert yanks == await everpin.listed("leftpad")


async def test_bandersnatch_mirrors_from_everpin(
    everpin: Everpin, upstream: Upstream, bandersnatch: Path, tmp_path: Path
) -> None:
    """It asks for the list, for each project as JSON, and for the files; kept ones are among them."""
    for name in ("con-sumer", "leftpad"):
        await everpin.page(name)
    await upstream.forgets_the_library(everpin)
    (tmp_path / "bandersnatch.conf").write_text(
        f"[mirror]\ndirectory = {tmp_path}/mirror\nmaster = {everpin.url}\n"
        "api-method = simple\nallow-non-https = true\njson = true\n"
        "timeout = 30\nworkers = 2\nhash-index = false\nstop-on-error = true\nrelease-files = true\n"
        "[plugins]\nenabled =\n    allowlist_project\n[allowlist]\npackages =\n    con-sumer\n    leftpad\n"
    )
    mirror = Program((str(bandersnatch / "bandersnatch"), "-c", "bandersnatch.conf"), tmp_path)

    (await mirror.run("mirror")).well()

    held = {path.name: path.read_bytes() for path in (tmp_path / "mirror" / "web" / "packages").rglob("*.whl")}
    assert held == {file.filename: file.content for file in (upstream.app, upstream.library, upstream.too_new)}
