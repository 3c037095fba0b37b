"""pip-tools: a requirements file compiled with hashes, and installed from."""

from pathlib import Path

from tests.journeys.clients.programs import Program, fresh_environment
from tests.journeys.clients.stories import Upstream, assert_installed, assert_locked
from tests.journeys.processes import Everpin


async def test_what_pip_tools_compiled_installs_after_upstream_has_deleted_it(
    everpin: Everpin, upstream: Upstream, pip_tools: Path, tmp_path: Path
) -> None:
    """Compiled before the deletion, installed after it; and a new resolution never picks it."""
    (tmp_path / "in.txt").write_text("con-sumer==3.1\n")
    index = ("--index-url", everpin.index_url)
    compile_ = Program((str(pip_tools / "pip-compile"), "--quiet", "--rebuild", "--generate-hashes", *index), tmp_path)

    (await compile_.run("in.txt", "--output-file", "out.txt")).well()
    assert_locked(tmp_path / "out.txt", upstream.app, upstream.library, index=everpin.index_url, by_name=False)
    await upstream.forgets_the_library(everpin)
    interpreter = fresh_environment(tmp_path / "environment", with_pip=True)
    pip_sync = Program((str(pip_tools / "pip-sync"), "--python-executable", str(interpreter), *index), tmp_path)
    (await pip_sync.run("--pip-args=--no-cache-dir", "out.txt")).well()
    anew = await compile_.run("in.txt", "--output-file", "anew.txt")

    assert_installed(interpreter, upstream.app, upstream.library)
    assert anew.status != 0, anew.output
    assert "leftpad" in anew.output
