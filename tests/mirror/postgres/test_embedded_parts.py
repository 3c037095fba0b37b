"""What the supervisor's decisions rest on: paths, permissions, log lines, command lines, a server's first words."""

import asyncio
import os
import resource
import stat
import struct
from pathlib import Path

import pytest

from mirror.postgres import serverlog
from mirror.postgres.identity import Identity, blocked_at, server_identity
from mirror.postgres.leftovers import Inhabitant, PidFile, read_pid_file
from mirror.postgres.places import Places, places_in
from mirror.postgres.probe import Answer, ask

STRANGER = Identity("stranger", 54321, 54321, (), foreign=True)


def test_the_dsn_names_socket_and_port() -> None:
    """Clients take what a DSN leaves open from the environment."""
    places = Places(home=Path("/srv/pg"), run=Path("/srv/pg/run"))

    assert places.dsn == "postgresql://postgres@/everpin?host=/srv/pg/run&port=5432"


@pytest.mark.parametrize("name", ["long" * 30, "a,b", "with space", "größe", "per%cent"])
def test_an_unusual_path_gets_a_plain_socket_directory(name: str, tmp_path: Path) -> None:
    """Lists of directories are split at commas, and an address holds few bytes."""
    run = places_in(tmp_path / name).run

    assert not run.is_relative_to(tmp_path)
    assert len(os.fsencode(run)) < 60
    assert run == places_in(tmp_path / name).run
    assert run != places_in(tmp_path / (name + "x")).run


def test_a_link_to_a_data_directory_means_the_directory(tmp_path: Path) -> None:
    """Whatever path a process was given, it finds the same lock and the same socket."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert places_in(tmp_path / "link") == places_in(tmp_path / "real")


@pytest.mark.parametrize(
    ("mode", "bits", "open_to_stranger"),
    [(0o755, 0o5, True), (0o711, 0o1, True), (0o711, 0o5, False), (0o750, 0o1, False), (0o700, 0o1, False)],
)
def test_a_stranger_needs_the_bits_of_others(mode: int, bits: int, open_to_stranger: bool, place: Path) -> None:
    """The first directory that keeps him out is named."""
    inner = place / "inner"
    inner.mkdir()
    inner.chmod(mode)

    assert blocked_at(inner, STRANGER, bits=bits) == (None if open_to_stranger else inner)


def test_a_closed_parent_blocks_what_is_open_below(place: Path) -> None:
    """Like root's home and everything installed in it."""
    inner = place / "closed" / "open"
    inner.mkdir(parents=True)
    inner.chmod(0o777)
    (place / "closed").chmod(0o700)

    assert blocked_at(inner, STRANGER, bits=0o5) == place / "closed"


def test_the_server_never_runs_as_root(place: Path) -> None:
    """As root another user is chosen, the data's owner first; anybody else stays who he is."""
    identity = server_identity(place)

    assert identity.uid != 0
    assert identity.foreign == (os.geteuid() == 0)
    if (owner := place.stat().st_uid) != 0:
        assert identity.uid == owner


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "it wrote nothing"),
        ("LOG:  hello\n\n", "LOG:  hello"),
        ("FATAL:  no room\nLOG:  database system is shut down\n", "FATAL:  no room"),
        ("FATAL:  the database system is starting up\nPANIC:  torn page\nLOG:  bye", "PANIC:  torn page"),
        ("LOG:  bye\nFATAL:  the database system is shutting down", "FATAL:  the database system is shutting down"),
    ],
)
def test_the_telling_line_is_the_last_deadly_one(text: str, line: str) -> None:
    """A refused client's FATAL is not the server's."""
    assert serverlog.telling_line(text) == line


def test_a_log_that_grew_too_long_is_set_aside(place: Path) -> None:
    """Whoever appends to it goes on at its new beginning, and only one old piece is kept."""
    log = place / "server.log"
    identity = server_identity(place)
    with log.open("ab") as writer:
        for letter in (b"a", b"b"):
            writer.write(letter * (serverlog.SIZE_MAX + 1))
            writer.flush()
            serverlog.bound(log, identity)
            writer.write(b"on")
            writer.flush()

    assert log.read_bytes() == b"on"
    old = place / "server.log.1"
    assert set(old.read_bytes()) == {ord("b")}
    assert old.stat().st_size == serverlog.SIZE_MAX
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_set_aside_is_bounded_all_the_same(place: Path) -> None:
    """As on a full disk, where a server says a lot: the kernel refuses to let a file grow."""
    log = place / "server.log"
    log.write_bytes(b"a" * (serverlog.SIZE_MAX + 1))
    allowed, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        serverlog.bound(log, server_identity(place))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, most))

    assert log.read_bytes() == b""


def test_a_short_log_stays(place: Path) -> None:
    """Also none at all is fine."""
    log = place / "server.log"
    serverlog.bound(log, server_identity(place))
    log.write_text("LOG:  hello\n")
    serverlog.bound(log, server_identity(place))

    assert serverlog.since(log, 6) == "hello\n"
    assert [path.name for path in place.iterdir()] == ["server.log"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, None),
        (b"", PidFile(0, ready=False)),
        (b"-5\n", PidFile(0, ready=False)),
        (b"\xff\xfe\n", PidFile(0, ready=False)),
        (b"77\n/data\n1\n5432\n/run\n\n 1 2\nstarting\n", PidFile(77, ready=False)),
        (b"77\n/data\n1\n5432\n/run\n\n 1 2\nready   \n", PidFile(77, ready=True)),
    ],
)
def test_a_pid_file_is_only_a_claim(content: bytes | None, found: PidFile | None, tmp_path: Path) -> None:
    """Whatever is in it."""
    if content is not None:
        (tmp_path / "postmaster.pid").write_bytes(content)

    assert read_pid_file(tmp_path) == found


def test_only_a_server_started_for_these_places_is_ours() -> None:
    """One that somebody started by hand on the same data is not."""
    places = Places(home=Path("/srv/pg"), run=Path("/srv/pg/run"))
    ours = Inhabitant(7, ("/bin/postgres", "-D", "/srv/pg/data", "-k", "/srv/pg/run", "-p", "5432", ""))
    by_hand = Inhabitant(7, ("/bin/postgres", "-D", "/srv/pg/data", ""))
    elsewhere = Inhabitant(7, ("/bin/postgres", "-D", "/srv/other/data", "-k", "/srv/pg/run", ""))
    backend = Inhabitant(7, ("postgres: checkpointer ", ""))

    assert [each.was_started_for(places) for each in (ours, by_hand, elsewhere, backend)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (b"", Answer.SILENT),
        (b"E" + struct.pack("!I", 19) + b"SFATAL\0C57P03\0\0", Answer.BUSY),
        (b"E" + struct.pack("!I", 19) + b"SFATAL\0C53300\0\0", Answer.READY),
        (b"R" + struct.pack("!II", 8, 0) + b"Z" + struct.pack("!I", 5) + b"I", Answer.READY),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Answer.SILENT),
    ],
)
async def test_a_socket_is_judged_by_its_first_words(reply: bytes, answer: Answer, place: Path) -> None:
    """Only who speaks the protocol can be a server, and only a busy one is asked again."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(speak, place / "socket"):
        found = await ask(place / "socket")

    assert found is answer


async def test_no_socket_is_silence(place: Path) -> None:
    """Nothing listens where nothing is."""
    assert await ask(place / "socket") is Answer.SILENT
