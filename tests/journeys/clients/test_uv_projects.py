"""uv beyond `uv pip install`: frozen locks that name upstream's own addresses, and resolutions as of a day."""

import sys
from datetime import timedelta
from pathlib import Path

from tests.journeys.clients.programs import Program, fresh_environment
from tests.journeys.clients.stories import Upstream, assert_installed, assert_locked
from tests.journeys.processes import Everpin
from tests.pypi_sim import PyPISim

_UV = str(Path(sys.executable).with_name("uv"))
_SETTINGS = {"UV_NO_CACHE": "1", "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}


def project(directory: Path) -> Path:
    """A project that needs the application."""
    directory.mkdir()
    (directory / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["con-sumer==3.1"]\n'
    )
    return directory


async def test_a_frozen_lock_of_upstream_syncs_from_everpin_by_another_host_name(
    everpin: Everpin, upstream: Upstream, tmp_path: Path
) -> None:
    """uv asks for no page then, only for the files at the addresses in the lock: upstream's own, but for the host.

    What is in the lock, and in the pylock.toml and the requirements that uv makes of it, is what upstream has.
    """
    made = project(tmp_path / "made")
    uv = Program((_UV,), made, _SETTINGS)
    (await uv.run("lock", "--default-index", upstream.pypi.index_url)).well()
    (await uv.run("export", "--frozen", "--quiet", "--output-file", "pylock.toml")).well()
    (await uv.run("export", "--frozen", "--quiet", "--no-emit-project", "--output-file", "requirements.txt")).well()
    await everpin.page("leftpad")
    await upstream.forgets_the_library(everpin)
    for name in ("uv.lock", "pylock.toml"):
        assert_locked(made / name, upstream.app, upstream.library, index=upstream.pypi.index_url)
    assert_locked(made / "requirements.txt", upstream.app, upstream.library, by_name=False)
    lock = (made / "uv.lock").read_text()
    assert upstream.pypi.files_url in lock
    used = project(tmp_path / "used")
    (used / "uv.lock").write_text(lock.replace(upstream.pypi.files_url.rstrip("/"), everpin.url))

    (await Program((_UV,), used, _SETTINGS).run("sync", "--frozen")).well()

    assert_installed(used / ".venv" / "bin" / "python", upstream.app, upstream.library)


async def test_uv_resolves_as_of_a_day(everpin: Everpin, pypi: PyPISim, tmp_path: Path) -> None:
    """`--exclude-newer` goes by upstream's own times of upload, which everpin repeats."""
    old = pypi.upload("leftpad", "1.0", uploaded_at=pypi.now() - timedelta(days=200))
    pypi.upload("leftpad", "1.1", uploaded_at=pypi.now() - timedelta(days=100))
    day = (pypi.now() - timedelta(days=150)).date().isoformat()
    interpreter = fresh_environment(tmp_path / "environment")
    uv = Program((_UV, "pip", "install", "--python", str(interpreter)), tmp_path, {"UV_NO_CACHE": "1"})

    (await uv.run("--default-index", everpin.index_url, "--exclude-newer", day, "leftpad")).well()

    assert_installed(interpreter, old)
