"""Starts that cannot succeed end with one sentence that names the way out, whoever we are."""

import os
import shutil
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mirror.postgres.identity import server_identity
from mirror.postgres.leftovers import inhabitants
from mirror.postgres.places import places_in

Refusal = Callable[..., Awaitable[str]]
Hold = Callable[..., Awaitable[tuple[Process, str]]]

IMPOSTORS = ("link", "somebody else's") if os.geteuid() == 0 else ("link",)


def data_of(place: Path, version: str) -> Path:
    """A data directory that only claims a version."""
    data = place / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text(f"{version}\n")
    owner = server_identity(place)
    for path in (place / "postgres", data, data / "PG_VERSION"):
        os.chown(path, owner.uid, owner.gid)
    return data


async def test_data_of_another_major_version_are_refused(place: Path, refusal: Refusal) -> None:
    """Both versions are named, and the data stay as they are."""
    data = data_of(place, "11")
    sentence = await refusal(place)

    assert "PostgreSQL 11" in sentence
    assert "PostgreSQL 18" in sentence
    assert "set PGBIN" in sentence
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


async def test_a_directory_full_of_something_else_is_refused(place: Path, refusal: Refusal) -> None:
    """Nothing is ever initialised over somebody's files."""
    data = data_of(place, "18")
    (data / "PG_VERSION").rename(data / "diary")
    sentence = await refusal(place)

    assert "move it away" in sentence
    assert (data / "diary").exists()


async def test_a_directory_that_cannot_be_created_is_refused(place: Path, refusal: Refusal) -> None:
    """Below a regular file nobody can create anything, root included."""
    (place / "file").write_text("")
    sentence = await refusal(place / "file" / "below")

    assert str(place / "file") in sentence
    assert "--data-dir" in sentence


async def test_a_directory_closed_to_the_server_is_refused(place: Path, account: str, refusal: Refusal) -> None:
    """Closed is what only root may enter to the user root hands over to, and what may not be written to a user."""
    closed = place / "closed"
    closed.mkdir()
    closed.chmod(0o700 if account == "root" else 0o555)
    sentence = await refusal(closed)

    assert str(closed) in sentence
    assert "--data-dir" in sentence


async def test_a_pgbin_without_programs_is_refused(place: Path, refusal: Refusal) -> None:
    """A wrong PGBIN is not silently replaced by another PostgreSQL."""
    sentence = await refusal(place, PGBIN=str(place))

    assert f"PGBIN is {place}" in sentence


async def test_a_pgbin_that_does_not_run_is_refused(place: Path, refusal: Refusal) -> None:
    """Programs for another machine, for example."""
    for program in ("postgres", "initdb"):
        (place / program).write_text("#!/bin/sh\necho no such luck\nexit 1\n")
        (place / program).chmod(0o755)
    sentence = await refusal(place / "data", PGBIN=str(place))

    assert "no such luck" in sentence
    assert "set PGBIN" in sentence


async def test_a_failing_initdb_is_quoted(place: Path, refusal: Refusal) -> None:
    """Its last line says more than its exit status."""
    (place / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n")
    (place / "initdb").write_text("#!/bin/sh\necho starting\necho 'initdb: error: No space left on device'\nexit 1\n")
    for program in ("postgres", "initdb"):
        (place / program).chmod(0o755)
    sentence = await refusal(place / "data", PGBIN=str(place))

    assert "initdb: error: No space left on device" in sentence
    assert "--data-dir" in sentence


async def test_a_server_that_dies_at_its_start_is_quoted(place: Path, hold: Hold, refusal: Refusal) -> None:
    """The line of its log that was fatal is in the sentence, and nothing stays behind."""
    process, _ = await hold(place)
    await process.communicate(b"")
    with (place / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("work_mem = 'a lot'\n")
    sentence = await refusal(place)

    assert "FATAL" in sentence
    assert "postgresql.conf" in sentence
    assert inhabitants(place / "postgres" / "data") == ()


@pytest.mark.parametrize("impostor", IMPOSTORS)
async def test_a_socket_directory_that_is_not_ours_is_refused(impostor: str, place: Path, refusal: Refusal) -> None:
    """Names below the system's temporary directory can be taken by anybody first."""
    data_dir = place / ("long" * 20) / ("longer" * 20)
    run = places_in(data_dir).run
    target = place / "target"
    target.mkdir()
    if impostor == "link":
        run.symlink_to(target)
    else:
        shutil.move(target, run)
        os.chown(run, 54321, 54321)
    try:
        sentence = await refusal(data_dir)

        assert str(run) in sentence
    finally:
        run.unlink() if run.is_symlink() else run.rmdir()
