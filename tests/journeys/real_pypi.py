"""Installs well-known packages through `everpin mirror` from the default index, then again with the network cut off.

A script for the hand, not a test: it needs the network. `everpin mirror` only asks for the pages and files that pip
asks it for; the journal is never read, which the script checks at the end.

    python -m tests.journeys.real_pypi

The second half runs in a network namespace that has nothing but a loopback device of its own (Linux, util-linux'
`unshare`, iproute2), so that nothing it installs can come from anywhere but the mirror's own data. Another index can be
named with EVERPIN_UPSTREAM__INDEX_URL.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
import venv
from pathlib import Path

import click

from tests.journeys.processes import Everpin, plain_environment, running

PACKAGES = ("aiohttp", "boto3")

_INDEX = "EVERPIN_UPSTREAM__INDEX_URL"
_UNSHARE_AS_ROOT = ("unshare", "--net")
_UNSHARE_AS_USER = ("unshare", "--net", "--map-current-user", "--keep-caps")
_ASKED = ("everpin_upstream_requests_total", "everpin_http_requests_total", "everpin_keep_failures_total")


def main() -> None:
    """Both halves, or with a directory as argument only the one without a network."""
    if len(sys.argv) > 1:
        asyncio.run(_without_network(Path(sys.argv[1])))
        return
    directory = Path(tempfile.mkdtemp(prefix="everpin-real-"))
    try:
        directory.chmod(0o755)  # for PostgreSQL, which runs as another user when this runs as root
        asyncio.run(_with_network(directory))
        sys.exit(asyncio.run(_second_half(directory)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _with_network(directory: Path) -> None:
    async with running(_mirror(directory)) as mirror:
        click.echo("== through the mirror, with upstream")
        await _install(mirror, directory / "first")
        await _show(mirror)


async def _second_half(directory: Path) -> int:
    unshare = _UNSHARE_AS_ROOT if os.geteuid() == 0 else _UNSHARE_AS_USER
    this = (sys.executable, "-m", "tests.journeys.real_pypi", str(directory))
    script = 'ip link set lo up && exec "$@"'
    process = await asyncio.create_subprocess_exec(*unshare, "sh", "-c", script, "sh", *this)
    return await process.wait()


async def _without_network(directory: Path) -> None:
    # Every page counts as old, so that the mirror tries to ask for each and has to do without.
    async with running(_mirror(directory, mirror__stale_after="0")) as mirror:
        click.echo("== through the mirror, without a network")
        await _install(mirror, directory / "second")
        await _show(mirror)
        answered = sum(
            [await mirror.figure(_ASKED[0], outcome=outcome) for outcome in ("new", "same", "absent")], start=0.0
        )
        tried = await mirror.figure(_ASKED[0], outcome="failed")
        if answered or not tried:
            sys.exit(f"upstream answered {answered:.0f} of {answered + tried:.0f} requests, so this proves nothing")


def _mirror(directory: Path, **settings: str) -> Everpin:
    if _INDEX in os.environ:
        settings["upstream__index_url"] = os.environ[_INDEX]
    return Everpin("mirror", directory / "data", settings)


async def _install(mirror: Everpin, environment: Path) -> None:
    """Installs everything into a fresh environment whose pip knows no index but the mirror."""
    await asyncio.to_thread(venv.create, environment, with_pip=True)
    python = str(environment / "bin" / "python")
    options = ("--isolated", "--no-input", "--disable-pip-version-check")
    for package in PACKAGES:
        began = time.monotonic()
        await _run(python, "-m", "pip", *options, "install", "-q", "--no-cache-dir", "-i", mirror.index_url, package)
        click.echo(f"{package} with all it needs: {time.monotonic() - began:.1f} s")
    await _run(python, "-c", f"import {', '.join(PACKAGES)}")
    await _run(python, "-m", "pip", *options, "list", "--format=freeze", "--exclude=pip", "--exclude=setuptools")


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, env=plain_environment())
    if status := await process.wait():
        sys.exit(f"{' '.join(command)} ended with {status}")


async def _show(mirror: Everpin) -> None:
    objects = [path for path in (mirror.data_dir / "store").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in objects)
    pages = await mirror.figure("everpin_projects")
    click.echo(f"remembered: {pages:.0f} project pages; in the store: {len(objects)} objects, {size / 2**20:.1f} MiB")
    figures = (await mirror.get("/metrics")).body.decode().splitlines()
    click.echo("\n".join(line for line in figures if line.startswith(_ASKED)))
    if journal := await mirror.figure(_ASKED[0], kind="journal"):
        sys.exit(f"the journal was asked {journal:.0f} times; a mirror alone must never do that")


if __name__ == "__main__":
    main()
