"""Real installers accept what the simulator serves."""

import asyncio
import os
import runpy
import sys
from pathlib import Path

import pytest

from tests.pypi_sim import PyPISim

PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
UV = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
INSTALLERS = {"pip": [*PIP, "--no-cache-dir"], "uv": [*UV, "--no-cache"]}


async def _install(command: list[str], sim: PyPISim, target: Path, *requirements: str) -> str:
    quiet = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    options = ["--index-url", sim.index_url, "--target", str(target)]
    process = await asyncio.create_subprocess_exec(
        *command,
        *options,
        *requirements,
        env={**os.environ, **quiet},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def _installed(target: Path, module: str) -> tuple[str, str]:
    names = runpy.run_path(str(target / f"{module}.py"))
    return names["VERSION"], names["FILENAME"]


@pytest.mark.parametrize("installer", INSTALLERS)
async def test_a_wheel_and_its_dependency_are_installed(sim: PyPISim, tmp_path: Path, installer: str) -> None:
    """The installed modules tell which files they came from."""
    sim.upload("leftpad", "1.0")
    sim.upload("leftpad", "2.0", requires_python=">=3.8")
    sim.upload("Con.Sumer", "3.1", requires=("leftpad<2",), payload_size=1000)

    await _install(INSTALLERS[installer], sim, tmp_path, "con-sumer")

    assert _installed(tmp_path, "con_sumer") == ("3.1", "con_sumer-3.1-py3-none-any.whl")
    assert _installed(tmp_path, "leftpad") == ("1.0", "leftpad-1.0-py3-none-any.whl")


@pytest.mark.parametrize("installer", INSTALLERS)
async def test_an_sdist_is_built_and_installed_without_other_downloads(
    sim: PyPISim, tmp_path: Path, installer: str
) -> None:
    """It carries its own build backend."""
    sim.upload("leftpad", "1.0", kind="sdist")

    await _install(INSTALLERS[installer], sim, tmp_path, "leftpad==1.0")

    assert _installed(tmp_path, "leftpad") == ("1.0", "leftpad-1.0.tar.gz")
    assert {seen.path for seen in sim.requests if seen.kind == "page"} == {"/simple/leftpad/"}


@pytest.mark.parametrize("installer", INSTALLERS)
async def test_a_yanked_release_is_installed_only_when_pinned(sim: PyPISim, tmp_path: Path, installer: str) -> None:
    """Installers understand the yank of the page."""
    sim.upload("leftpad", "1.0")
    sim.upload("leftpad", "2.0")
    sim.yank("leftpad", "2.0", "broken")

    await _install(INSTALLERS[installer], sim, tmp_path / "range", "leftpad")
    await _install(INSTALLERS[installer], sim, tmp_path / "pin", "leftpad==2.0")

    assert _installed(tmp_path / "range", "leftpad")[0] == "1.0"
    assert _installed(tmp_path / "pin", "leftpad")[0] == "2.0"


def test_the_same_upload_has_the_same_bytes() -> None:
    """Wheels and sdists do not depend on when or where they are built."""
    first, second = PyPISim(), PyPISim()

    for sim in (first, second):
        sim.upload("foo", "1.0", payload_size=10)
        sim.upload("foo", "1.0", kind="sdist")

    assert first.stored.keys() == second.stored.keys()
