"""The oldest pip that Python 3.11 runs, and what the newest locks; that installs in every other journey."""

import sys
from pathlib import Path

from tests.journeys.clients.programs import Program
from tests.journeys.clients.stories import Upstream, assert_locked
from tests.journeys.installers import module_in, pinned_with_hash
from tests.journeys.processes import Everpin
from tests.pypi_sim import module_name
from tests.watcher.houses import long_ago


async def test_the_oldest_pip_reads_pages_in_html_and_installs_what_upstream_has_deleted(
    everpin: Everpin, upstream: Upstream, oldest_pip: Path, tmp_path: Path
) -> None:
    """It knows neither JSON pages nor metadata files; yanks and hashes it does. A range gets what is live.

    Where nothing live fits a range it takes what is yanked, as pip did before version 20.3 or so.
    """
    living = upstream.pypi.upload("leftpad", "0.9", uploaded_at=long_ago(upstream.pypi, days=300))
    pip = Program(
        (str(oldest_pip / "python"), "-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"),
        tmp_path,
        {"PYTHONWARNINGS": "ignore"},
    )
    install = ("install", "--no-compile", "--index-url", everpin.index_url, "--target")
    lock = tmp_path / "lock.txt"
    lock.write_text(pinned_with_hash(upstream.library))

    (await pip.run(*install, "before", "con-sumer")).well()
    await upstream.forgets_the_library(everpin)
    (await pip.run(*install, "pinned", "leftpad==1.0")).well()
    (await pip.run(*install, "locked", "--require-hashes", "-r", lock)).well()
    (await pip.run(*install, "ranged", "leftpad<2")).well()

    name = f"{module_name('leftpad')}.py"
    for target in ("before", "pinned", "locked"):
        assert (tmp_path / target / name).read_bytes() == module_in(upstream.library), target
    assert (tmp_path / "ranged" / name).read_bytes() == module_in(living)


async def test_what_the_newest_pip_locks_is_what_upstream_has(upstream: Upstream, tmp_path: Path) -> None:
    """In its pylock.toml, which names no index."""
    pip = Program(
        (sys.executable, "-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"), tmp_path
    )

    (await pip.run("lock", "--index-url", upstream.pypi.index_url, "--output", "pylock.toml", "con-sumer==3.1")).well()

    assert_locked(tmp_path / "pylock.toml", upstream.app, upstream.library)
