"""poetry, with everpin as its only source."""

from pathlib import Path

from tests.journeys.clients.programs import Program
from tests.journeys.clients.stories import Upstream, assert_installed, assert_locked
from tests.journeys.processes import Everpin


def project(directory: Path, everpin: Everpin) -> Path:
    """A project that needs the application, and nothing else than everpin to get it from."""
    directory.mkdir()
    (directory / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["con-sumer==3.1"]\n'
        "[tool.poetry]\npackage-mode = false\n"
        f'[[tool.poetry.source]]\nname = "everpin"\nurl = "{everpin.index_url}"\npriority = "primary"\n'
    )
    return directory


async def test_poetry_installs_from_its_lock_what_upstream_has_deleted(
    everpin: Everpin, upstream: Upstream, poetry: Path, tmp_path: Path
) -> None:
    """Locked before the deletion, installed after it, with nothing cached; and a new resolution never picks it."""
    first = project(tmp_path / "first", everpin)
    settings = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_NO_INTERACTION": "1"}
    program = Program((str(poetry / "poetry"),), first, settings)

    (await program.run("lock")).well()
    (await program.run("install")).well()
    assert_installed(first / ".venv" / "bin" / "python", upstream.app, upstream.library)
    await upstream.forgets_the_library(everpin)
    assert_locked(first / "poetry.lock", upstream.app, upstream.library, index=everpin.index_url.rstrip("/"))
    again = project(tmp_path / "again", everpin)
    (again / "poetry.lock").write_bytes((first / "poetry.lock").read_bytes())
    (await Program(program.command, again, settings).run("install")).well()
    anew = await Program(program.command, project(tmp_path / "anew", everpin), settings).run("lock")

    assert_installed(again / ".venv" / "bin" / "python", upstream.app, upstream.library)
    assert anew.status != 0, anew.output
    assert "leftpad" in anew.output
