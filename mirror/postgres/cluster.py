"""The data: initialised completely or not at all, configured for a small mirror, and of a version we can run."""

import asyncio
import ctypes
import os
import secrets
import shutil
from pathlib import Path

import structlog

from mirror.errors import StartError
from mirror.postgres.binaries import Binaries
from mirror.postgres.identity import Identity
from mirror.postgres.leftovers import DYING_SECONDS, emptied
from mirror.postgres.places import DATABASE, SUPERUSER, Places, open_private
from mirror.postgres.spawn import Finished, run

CONNECTIONS = 60
"""So many at the same time are meant to be enough for most."""

CONFIGURATION = f"""
# Written once by everpin when it created this cluster; change it as you like. Where the server listens and logs is
# given on its command line and cannot be changed here; nor can max_connections where the settings need more.
max_connections = {CONNECTIONS}
shared_buffers = 128MB
# Most pages are full of digests, as random as can be: compressing them saves a third and takes six times as long.
wal_compression = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""

_WAY_OUT = "free some space or choose another directory with --data-dir"

log = structlog.get_logger(__name__)


async def ensure_cluster(places: Places, binaries: Binaries, identity: Identity) -> None:
    """Make sure that there is a cluster with the database `everpin`, of the binaries' major version.

    Only for the holder of the owner lock. An initialisation that was interrupted is done again from its beginning.
    """
    try:
        if _initialised(places.data):
            _check_version(places.data, binaries)
            return
        await _initialise(places, binaries, identity)
    except OSError as error:
        raise StartError(f"cannot create {places.data}: {error.strerror}; {_WAY_OUT}") from error


def _initialised(data: Path) -> bool:
    if (data / "PG_VERSION").is_file():
        return True
    if data.exists() and any(data.iterdir()):
        raise StartError(
            f"{data} is not empty and not a PostgreSQL data directory: move it away, "
            "or choose another directory with --data-dir"
        )
    return False


def _check_version(data: Path, binaries: Binaries) -> None:
    recorded = (data / "PG_VERSION").read_text(errors="replace").strip()
    if recorded != str(binaries.major):
        raise StartError(
            f"{data} was made by PostgreSQL {recorded}, but the binaries in {binaries.directory} are "
            f"PostgreSQL {binaries.major}: set PGBIN to the bin directory of a PostgreSQL {recorded}, "
            f"or move {data} away to begin with an empty catalog"
        )


async def _initialise(places: Places, binaries: Binaries, identity: Identity) -> None:
    """In a directory beside, which becomes the data directory by one rename when it is complete and on the disk."""
    for interrupted in places.home.glob("data.new-*"):
        log.info("postgres.initialisation_repeated", directory=str(interrupted))
        await emptied(interrupted, DYING_SECONDS)
        await asyncio.to_thread(shutil.rmtree, interrupted)
    # A name never used before: what an interrupted attempt may still be writing cannot get into this one.
    unfinished = places.home / f"data.new-{secrets.token_hex(4)}"
    # The many small writes are synced once at the end instead of each by itself.
    initdb = (binaries.program("initdb"), "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8")
    quick = ("--locale=C", "--data-checksums", "--no-sync", "--no-instructions")
    _require(await run((*initdb, *quick), identity=identity), "initdb")
    descriptor = open_private(unfinished / "postgresql.conf", os.O_WRONLY | os.O_APPEND, identity)
    with os.fdopen(descriptor, "a") as file:
        file.write(CONFIGURATION)
    single = (binaries.program("postgres"), "--single", "-F", "-D", str(unfinished), SUPERUSER)
    _require(await run(single, identity=identity, feed=f"CREATE DATABASE {DATABASE}\n"), "creating the database")
    await asyncio.to_thread(_sync, unfinished)
    if places.data.exists():
        places.data.rmdir()
    unfinished.rename(places.data)
    await asyncio.to_thread(_sync, places.home)  # the rename too
    log.info("postgres.initialised", directory=str(places.data), version=binaries.version)


def _require(finished: Finished, step: str) -> None:
    # A single-user server reports a failed statement and exits with 0 all the same.
    failures = [line for line in finished.output.splitlines() if "ERROR:" in line or "FATAL:" in line]
    if finished.returncode == 0 and not failures:
        return
    raise StartError(f"{step} failed ({failures[-1] if failures else finished.last_line}); {_WAY_OUT}")


def _sync(directory: Path) -> None:
    """Everything on the directory's filesystem, in one call instead of one for each of a thousand files."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)
