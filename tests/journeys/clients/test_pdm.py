"""pdm, with everpin as its only source."""

from pathlib import Path

from tests.journeys.clients.programs import Program
from tests.journeys.clients.stories import Upstream, assert_installed, assert_locked
from tests.journeys.processes import Everpin


def project(directory: Path, everpin: Everpin) -> Path:
    """A project that needs the application, and nothing else than everpin to get it from."""
    directory.mkdir()
    (directory / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["con-sumer==3.1"]\n'
        "[tool.pdm]\ndistribution = false\n"
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{everpin.index_url}"\nverify_ssl = false\n'
    )
    return directory


async def test_pdm_installs_from_its_lock_what_upstream_has_deleted(
    everpin: Everpin, upstream: Upstream, pdm: Path, tmp_path: Path
) -> None:
    """Locked before the deletion, installed after it, with nothing cached; and a new resolution never picks it."""
    first = project(tmp_path / "first", everpin)
    settings = {"PDM_CHECK_UPDATE": "0", "PDM_VENV_IN_PROJECT": "1", "PDM_NON_INTERACTIVE": "1"}
    program = Program((str(pdm / "pdm"),), first, settings)

    (await program.run("lock")).well()
    (await program.run("sync")).well()
    assert_installed(first / ".venv" / "bin" / "python", upstream.app, upstream.library)
    await upstream.forgets_the_library(everpin)
    assert_locked(first / "pdm.lock", upstream.app, upstream.library)
    again = project(tmp_path / "again", everpin)
    (again / "pdm.lock").write_bytes((first / "pdm.lock").read_bytes())
    (await Program(program.command, again, settings).run("sync")).well()
    anew = await Program(program.command, project(tmp_path / "anew", everpin), settings).run("lock")

    assert_installed(again / ".venv" / "bin" / "python", upstream.app, upstream.library)
    assert anew.status != 0, anew.output
    assert "leftpad" in anew.output
