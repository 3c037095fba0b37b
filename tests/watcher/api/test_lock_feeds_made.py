"""Who may have a lock file's feed, what is kept of the file, and what is refused."""

import asyncio
import logging
import threading
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from mirror.catalog import webhooks
from mirror.catalog.database import Catalog
from mirror.errors import StoreError
from mirror.setting_subscribers import Admin, AdminToken, Locks
from tests.pypi_sim import PyPISim
from tests.watcher.api.lock_owners import ask, make
from tests.watcher.houses import House, house_of, until
from watcher.api import lock_bodies
from watcher.api.bodies import body_of
from watcher.duties import forget_rows
from watcher.feed.held_locks import HeldLocks
from watcher.locks import Lock
from watcher.locks.packed import unpacked
from watcher.locks.reading import read_lock
from watcher.webhooks.signing import check_secret

HASH = "5f" * 32
OF_CI = "the-token-of-the-pipeline"
HOOK = "https://hooks.example.org/secret-path"
LOCK = f"""\
demo==1.0 --hash=sha256:{HASH}
plain==2.0
tool @ https://files.example.org/team-secret/tool-1.0-py3-none-any.whl
./internal-project
git+https://git.example.org/team/repository.git@main#egg=secret-tool
loose>=1
"""
UV_LOCK = f"""\
version = 1
[[package]]
name = "internal"
version = "1.0"
source = {{ registry = "https://index.example.org/simple" }}
sdist = {{ url = "https://index.example.org/internal-1.0.tar.gz", hash = "sha256:{HASH}" }}
[[package]]
name = "demo"
version = "1.0"
source = {{ registry = "INDEX" }}
wheels = [{{ url = "INDEXdemo-1.0-cp311-none-secretplatform.whl", hash = "sha256:{HASH}" }}]
"""


async def test_only_names_versions_and_digests_are_kept(house: House) -> None:
    """What comes from elsewhere is dropped before anything is stored, and named in the answer alone."""
    one = await make(house, LOCK, "?filename=/home/olga/customer/requirements.txt")
    uv = await make(house, UV_LOCK.replace("INDEX", house.pypi.index_url), "?filename=uv.lock")

    assert (one.status, one.json["pins"], uv.status, uv.json["pins"]) == (201, 2, 201, 1), (one.body, uv.body)
    assert {each["name"] for each in uv.json["left_out"]} == {"internal"}
    assert len(one.json["left_out"]) == 4
    async with house.catalog.reading() as conn:
        records = await conn.fetch("select * from lock_feeds order by id")
    assert [set(record.keys()) for record in records] == 2 * [
        {"id", "token_sha256", "pins", "pinned", "created_at", "read_at"}
    ]
    kept = [[(pin.project, pin.version, pin.sha256) for pin in unpacked(record["pins"])] for record in records]
    assert kept == [[("demo", "1.0", HASH), ("plain", "2.0", None)], [("demo", "1.0", HASH)]]
    stored = b"".join(zlib.decompress(record["pins"]) for record in records)
    for word in (b"secret", b"example", b"http", b"customer", b"internal", b".whl", b"loose"):
        assert word not in stored
    assert one.json["delete"].rpartition("/")[2].encode() not in repr(records).encode()


async def test_no_log_shows_the_token(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither that of requests, nor what is logged of failures; nor where events are sent to."""
    failures: list[Exception] = [StoreError("no disk"), RuntimeError("a bug")]

    async def fails(_self: HeldLocks, _token: str) -> None:
        raise failures.pop(0)

    with caplog.at_level(logging.INFO, "aiohttp.access"), capture_logs() as logged:
        made = await make(house, LOCK, f"?webhook={HOOK}")
        made = await make(house, LOCK)
        await ask(house, made.json["atom"])
        await ask(house, made.json["atom"].replace(".atom", ".xml"))
        await ask(house, made.json["events"] + "?since=1-0")
        monkeypatch.setattr(HeldLocks, "read", fails)
        assert [(await ask(house, made.json["json"])).status for _ in range(2)] == [503, 500]
        await ask(house, made.json["delete"], "DELETE")
        token = made.json["delete"].rpartition("/")[2]
        await _send(house, f"GET /feed/locks/{token}.atom two HTTP/1.1\r\n\r\n")
        broken = "Content-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
        await _send(house, f"GET /feed/locks/{token}.atom HTTP/1.1\r\nHost: x\r\n{broken}")
        await until(lambda: len(caplog.records) >= 10)

    paths = [vars(record)["path"] for record in caplog.records if record.name == "aiohttp.access"]
    assert paths == [
        "/api/v1/locks/***",
        "/api/v1/locks/***",
        "/feed/locks/***.atom",
        "/feed/locks/***",
        "/feed/locks/***/events",
        "/feed/locks/***.json",
        "/feed/locks/***.json",
        "/api/v1/locks/***",
        "/",
        "/feed/locks/***.atom",
    ]
    assert {record.name for record in caplog.records} == {"aiohttp.access"}
    assert {"lock_feed.made", "web.failed", "web.crashed", "lock_feed.removed"} <= {each["event"] for each in logged}
    assert token not in repr(logged) + repr([vars(record) for record in caplog.records]) + caplog.text
    _, metrics = await house.get("/metrics")
    assert token.encode() not in metrics


async def _send(house: House, request: str) -> None:
    """Sends what is no request, and waits for the end of the answer."""
    reader, writer = await asyncio.open_connection(house.http.host, house.http.port)
    writer.write(request.encode())
    await reader.read()
    writer.close()


async def test_what_cannot_be_watched_is_refused(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """In a sentence, and nothing is kept of it."""
    refused: tuple[tuple[str | bytes, str, int, str], ...] = (
        ("", "", 422, "nothing in it is pinned"),
        ("./here\n", "", 422, "comes from a file or directory"),
        ("acme-tool==1\n", "", 422, "is private to this mirror"),
        ("version = [", "?filename=uv.lock", 422, "uv.lock"),
        ("[" * 4000, "?filename=pylock.toml", 422, "pylock.toml"),
        (b"\x00\xff\xfe" * 99, "", 422, "the file"),
        ("-r /etc/passwd\n", "", 422, "the file, line 1: another file"),
        ("demo==1\n", f"?filename={'x' * 256}", 422, "filename"),
        ("# " + "x" * 5000, "", 413, "at most 5000 bytes"),
        ("".join(f"p{number}==1\n" for number in range(400)), "", 422, "of 300 projects"),
    )
    locks = Locks(max_body=5000)
    async with house_of(pypi, catalog, tmp_path, locks=locks, private_names=("acme-*",)) as house:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("watcher.api.lock_feeds._MOST_PROJECTS", 300)
            for body, query, status, said in refused:
                answer = await make(house, body, query)

                assert (answer.status, said in answer.detail) == (status, True), (body[:40], answer.body)
    async with catalog.reading() as conn:
        assert await conn.fetchval("select count(*) from lock_feeds") == 0


async def test_there_are_no_more_than_there_may_be(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Who comes later is told so; what nobody read for too long makes room, also before it is removed."""
    async with house_of(pypi, catalog, tmp_path, locks=Locks(max_count=1)) as house:
        statuses = [(await make(house, LOCK)).status for _ in range(2)]
        full = await make(house, LOCK)
        pypi.advance(timedelta(days=91))
        statuses.append((await make(house, LOCK)).status)
    async with house_of(pypi, catalog, tmp_path, locks=Locks(enabled=False)) as house:
        off = [(await make(house, LOCK)).status, (await ask(house, "/feed/locks/x.atom")).status]
        off.append((await ask(house, "/api/v1/locks/x", "DELETE")).status)

    assert (statuses, full.detail) == ([201, 507, 201], "1 lock files have feeds here, and no more may")
    assert off == [404, 404, 404]


async def test_only_a_few_are_read_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait, and are told to come again where that takes long."""
    goes_on, reading = threading.Event(), threading.Semaphore(0)
    received: list[bytes] = []

    def slow(filename: str, content: bytes) -> Lock:
        reading.release()
        goes_on.wait(30)
        return read_lock(filename, content)

    async def noted(request: web.Request, *, most_bytes: int) -> bytes:
        received.append(await body_of(request, most_bytes=most_bytes))
        return received[-1]

    monkeypatch.setattr(lock_bodies, "body_of", noted)
    monkeypatch.setattr(lock_bodies, "read_lock", slow)
    first = [asyncio.create_task(make(house, LOCK)) for _ in range(2)]
    for _ in first:
        assert await asyncio.to_thread(reading.acquire, timeout=30)
    waiting = asyncio.create_task(make(house, LOCK))
    await until(lambda: len(received) == 3)
    monkeypatch.setattr(lock_bodies, "_LONGEST_WAIT_SECONDS", 0.0)
    busy = await make(house, LOCK)
    goes_on.set()

    assert (await waiting).status == 201
    assert (busy.status, busy.headers["Retry-After"]) == (503, "1")
    assert [(await each).status for each in first] == [201, 201]
    assert (await make(house, LOCK)).status == 201


async def test_events_are_sent_only_where_an_admin_says(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Signed with a secret that is told once; never to a private address; and no longer than the feed is there."""
    admin = Admin(tokens=(AdminToken(name="ci", token=SecretStr(OF_CI)),))
    async with house_of(pypi, catalog, tmp_path, admin=admin) as house:
        anybody = await make(house, LOCK, f"?webhook={HOOK}")
        wrong = await make(house, LOCK, f"?webhook={HOOK}", token=f"x{OF_CI}")
        urls = ("http://127.0.0.1/", "http://[::1]:8080/", "ftp://example.org/", "https://u:p@example.org/", "", "%00")
        nowhere = [(await make(house, LOCK, f"?webhook={url}", token=OF_CI)).status for url in urls]
        made = await make(house, LOCK, f"?webhook={HOOK}", token=OF_CI)
        async with catalog.reading() as conn:
            (target,) = await webhooks.targets(conn)
        # To have events sent is to read them, as long as they arrive.
        pypi.advance(timedelta(days=80))
        await forget_rows(catalog, now=pypi.now())
        pypi.advance(timedelta(days=80))
        wanted = await HeldLocks(catalog, pypi.now).lock_filter(target.lock_feed or 0)
        await ask(house, made.json["delete"], "DELETE")
        async with catalog.reading() as conn:
            left = await webhooks.targets(conn)

    assert (anybody.status, wrong.status, nowhere) == (401, 401, 6 * [422])
    assert anybody.headers["WWW-Authenticate"] == "Bearer"
    check_secret(made.json["webhook"]["secret"])
    assert (target.url, target.secret, target.name) == (
        HOOK,
        made.json["webhook"]["secret"],
        made.json["webhook"]["name"],
    )
    assert HOOK.encode() not in made.body
    assert wanted is not None
    assert wanted.projects == {"demo", "plain"}
    assert left == []


async def test_without_tokens_there_is_nobody_who_can_say_where_to(house: House) -> None:
    """An anonymous request never makes this mirror send anything."""
    assert (await make(house, LOCK, f"?webhook={HOOK}")).status == 404
