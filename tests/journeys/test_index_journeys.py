"""Installing from indexes other than PyPI, and by other ways."""

from datetime import timedelta
from pathlib import Path

from tests.journeys.installers import Installer, pinned_with_hash
from tests.journeys.processes import Everpin, running
from tests.mirror.upstream.forward_proxy import forward_proxy
from tests.pypi_sim import PyPISim


async def test_a_plain_index_in_html_is_mirrored_like_any_other(
    pypi: PyPISim, installers: tuple[Installer, ...], reachable_tmp_path: Path
) -> None:
    """Without JSON, journal and serials: what was installed once installs by name and by hash, without upstream too."""
    pypi.html_only = pypi.plain_index = True
    uploaded_at = pypi.now() - timedelta(days=200)
    library = pypi.upload("leftpad", "1.0", uploaded_at=uploaded_at)
    app = pypi.upload("Con.Sumer", "3.1", requires=("leftpad<2",), uploaded_at=uploaded_at)
    command = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url)

    async with running(command) as everpin:
        for installer in installers:
            await installer.gets(everpin.index_url, [app, library], "con-sumer")
        await pypi.stop()
        requirements = reachable_tmp_path / "requirements.txt"
        requirements.write_text(pinned_with_hash(app, library))
        for installer in installers:
            await installer.gets(everpin.index_url, [app, library], "-r", str(requirements))

    assert pypi.fetches(app.filename) == 1


async def test_everything_that_upstream_is_asked_for_goes_through_the_proxy(
    pypi: PyPISim, installers: tuple[Installer, ...], reachable_tmp_path: Path
) -> None:
    """The journal, pages and files come from an index that only the proxy can find; its password stays a secret."""
    async with forward_proxy() as proxy:
        proxy.leads["index.example.org"] = ("127.0.0.1", int(pypi.origin.rpartition(":")[2]))
        command = Everpin.of(
            "up",
            reachable_tmp_path / "data",
            index_url="http://index.example.org/simple/",
            upstream__proxy=proxy.url.replace("http://", "http://us:secret-word@"),
            upstream__allowed_file_hosts=pypi.files_url.removeprefix("http://"),
            upstream__username="me",
            upstream__password="other-word",  # noqa: S106 - of a test's own index
        )
        async with running(command) as everpin:
            file = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
            for installer in installers:
                await installer.gets(everpin.index_url, [file], "leftpad")
            pypi.delete_release("leftpad", "1.0")
            await everpin.until_told("release.deleted", "leftpad")

        asked = {line.rpartition(" ")[0] for line in proxy.lines}
        assert {"POST http://index.example.org/pypi", "GET http://index.example.org/simple/leftpad/"} <= asked
        assert f"GET {pypi.file_url(file)}" in asked
        assert all("Via" in seen.headers for seen in pypi.requests)
        assert all("Authorization" in seen.headers for seen in pypi.requests if seen.host == "index")
        assert all("Authorization" not in seen.headers for seen in pypi.requests if seen.host == "files")
        assert "secret-word" not in everpin.log
        assert "other-word" not in everpin.log
