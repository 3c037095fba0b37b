"""A long and eventful run leaves nothing behind: no task, no connection, no file, no thread, no warning."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from tests.journeys.holdings import Held, held_by
from tests.journeys.installers import Installer, pinned_with_hash
from tests.journeys.processes import PATIENCE_SECONDS, Everpin, running, until
from tests.pypi_sim import File, PyPISim
from tests.pypi_sim.faults import HostFault, XmlRpcFault

_LARGE = 1_000_000
_POOL = 4
_BESIDE_POOL = 3
"""One connection listens to notices, another competes for leadership, a third holds what this process fetches."""
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = "text/html"

# Everything that Python and asyncio can notice is told.
_WATCHFUL = {
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONTRACEMALLOC": "1",
    "PYTHONWARNINGS": "always",
}
_DEFECTS = (
    "ResourceWarning",
    "RuntimeWarning",
    "never awaited",
    "was destroyed",
    "Unclosed",
    "never retrieved",
    "Exception ignored",
    "Fatal Python error",
    "Traceback",
    ".crashed",
)


async def test_a_full_run_leaves_nothing_behind(
    pypi: PyPISim, reachable_tmp_path: Path, installers: tuple[Installer, ...], tmp_path: Path
) -> None:
    """With all alarms of Python and asyncio on the log tells of no defect, and in the end the process holds no more
    than when it had warmed up."""
    settings = {"database__pool_size": str(_POOL), "upstream__timeout": "2s", "mirror__memory": "1MiB"}
    # Upstream is asked for the same pages again and again.
    settings |= {"mirror__stale_after": "1s", "mirror__max_trust": "1s"}
    everpin = Everpin.of("up", reachable_tmp_path / "data", index_url=pypi.index_url, **settings)
    async with running(everpin, **_WATCHFUL):
        before = await _warmed_up(everpin, pypi)
        await _pages(everpin, pypi, "pages")
        await _files(everpin, pypi, "files")
        await _installs(everpin, pypi, installers, tmp_path)
        await _hang_ups(everpin, pypi)
        await _outages(everpin, pypi)
        await _deletions(everpin, pypi)
        await _feeds(everpin)

        async def is_as_before() -> bool:
            return (await held_by(everpin)).is_within(before)

        await _until_nothing_is_wanted(everpin)
        async with _silent(pypi):
            await until(is_as_before)
        assert everpin.scratch_files() == []
        async with _busy(everpin, pypi):
            assert await everpin.stop() == 0

    assert [line for line in everpin.log.splitlines() if any(defect in line for defect in _DEFECTS)] == []
    assert everpin.scratch_files() == []


async def _warmed_up(everpin: Everpin, pypi: PyPISim) -> Held:
    """Has it open all that it keeps open, and says what that is while nobody is there."""
    files = [_uploaded(pypi, "warm", f"1.{number}") for number in range(6)]

    async def is_warm() -> bool:
        await asyncio.gather(
            *(everpin.get(file.path) for file in files * 2), *(_ask(everpin, "/metrics") for _ in range(16))
        )
        return (await held_by(everpin)).connections == _POOL + _BESIDE_POOL

    await until(is_warm)
    await _until_nothing_is_wanted(everpin)
    async with _silent(pypi):
        held = [await held_by(everpin)]
        for _ in range(20):
            # Now and then the journal is asked for, and a connection takes a moment to end.
            await asyncio.sleep(0.05)
            held.append(await held_by(everpin))
    # The loop's own executor grows to this many threads when it is needed and never shrinks; uvloop has four beside.
    most_threads = 1 + min(32, (os.cpu_count() or 1) + 4) + 4
    return Held(min(one.descriptors for one in held), most_threads, _POOL + _BESIDE_POOL)


@asynccontextmanager
async def _silent(pypi: PyPISim) -> AsyncIterator[None]:
    """Meanwhile upstream keeps no connection open."""
    await pypi.stop()
    yield
    await pypi.start()


async def _until_nothing_is_wanted(everpin: Everpin) -> None:
    async def is_empty() -> bool:
        return await everpin.figure("everpin_backlog_files") == 0

    await until(is_empty)


async def _pages(everpin: Everpin, pypi: PyPISim, name: str) -> None:
    """New, known, unchanged, changed, asked for in every form, and not there."""
    _uploaded(pypi, name, "1.0", size=1_000)
    page = f"/simple/{name}/"
    etag = (await everpin.get(page, Accept=_JSON)).headers["ETag"]
    assert await _ask(everpin, page, "HEAD", Accept=_HTML) == 200
    assert await _ask(everpin, page, Accept=_JSON, **{"If-None-Match": etag}) == 304
    assert await _ask(everpin, f"/simple/{name.upper()}/") == 200
    assert await _ask(everpin, page, Accept="image/png") == 406
    assert await _ask(everpin, page, "POST") == 405
    assert await _ask(everpin, f"/simple/{name}-nowhere/") == 404
    assert await _ask(everpin, "/simple/") == 200
    newer = _uploaded(pypi, name, "1.1", size=1_000)
    await everpin.until_file_is(name, newer.filename, listed=True)
    # Many at once, after the page has become too old to be served unasked.
    await asyncio.sleep(1)
    assert set(await asyncio.gather(*(_ask(everpin, page, Accept=_HTML) for _ in range(8)))) == {200}


async def _files(everpin: Everpin, pypi: PyPISim, name: str) -> None:
    """Cold and warm, whole and in parts, by address alone, with metadata, and not there."""
    file, other = _uploaded(pypi, name, "1.0"), _uploaded(pypi, name, "1.1")
    assert await _ask(everpin, file.path, "HEAD") == 200
    assert await _ask(everpin, f"{file.path}.metadata") == 200
    assert await _ask(everpin, file.path, Range="bytes=100-199") == 206
    answers = await asyncio.gather(*(everpin.get(path.path) for path in (file, other) * 8))
    assert {answer.body for answer in answers} == {file.content, other.content}
    assert await _ask(everpin, file.path, Range=f"bytes={file.size}-") == 416
    etag = (await everpin.get(file.path)).headers["ETag"]
    assert await _ask(everpin, file.path, **{"If-None-Match": etag}) == 304
    assert await _ask(everpin, file.path.replace("1.0", "9.9")) == 404


async def _installs(everpin: Everpin, pypi: PyPISim, installers: tuple[Installer, ...], directory: Path) -> None:
    """By range and by pins with hashes."""
    library = _uploaded(pypi, "library", "1.0", size=1_000)
    app = pypi.upload("app", "2.0", requires=("library",), uploaded_at=_old(pypi))
    locked = directory / "requirements.txt"
    locked.write_text(pinned_with_hash(app, library))
    for installer in installers:
        await installer.gets(everpin.index_url, [app, library], "app")
        await installer.gets(everpin.index_url, [app, library], "--require-hashes", "-r", str(locked))
        await installer.is_refused(everpin.index_url, "app>3")


async def _hang_ups(everpin: Everpin, pypi: PyPISim) -> None:
    """Clients go away: before they asked, while they wait for a page, and in the middle of files, cold and warm."""
    _, writer = await asyncio.open_connection("127.0.0.1", everpin.port)
    writer.write(b"GET /simple/ HTTP/1.1\r\nHo")
    writer.close()
    await writer.wait_closed()
    held, warm = _uploaded(pypi, "hangups", "1.0"), _uploaded(pypi, "hangups", "1.1")
    assert await _ask(everpin, warm.path) == 200
    pypi.faults.hold(held.filename, after=_LARGE // 2)
    for file in (held, held, warm, warm):
        async with _session() as session, session.get(f"{everpin.url}{file.path}") as answer:
            await answer.content.readexactly(1_000)
    pypi.faults.page("slow", "hang")
    pypi.faults.page("hangups", "hang")
    await asyncio.sleep(1)
    for page in ("slow", "hangups"):
        asking = asyncio.create_task(_ask(everpin, f"/simple/{page}/"))
        await pypi.until(pypi.count(kind="page", path=page) + 1, kind="page", path=page)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    pypi.faults.mend_all()
    await _until_had(everpin, held)


async def _outages(everpin: Everpin, pypi: PyPISim) -> None:
    """Upstream resets, lies, hangs and is down for a while; afterwards everything is had."""
    files = [_uploaded(pypi, "outages", f"1.{number}") for number in range(6)]
    assert await _ask(everpin, "/simple/outages/") == 200
    reset, cut, wrong, absent, failing, hanging = (file.filename for file in files)
    pypi.faults.reset(reset, after=_LARGE // 2)
    pypi.faults.truncate(cut, after=_LARGE // 2)
    pypi.faults.wrong_bytes(wrong)
    pypi.faults.answer_with(absent, 404)
    pypi.faults.answer_with(failing, 503)
    pypi.faults.hold(hanging, after=_LARGE // 2)
    for file in files * 2:
        assert await _ask(everpin, file.path) in (0, 404, 502, 503)
    faults: tuple[tuple[HostFault, XmlRpcFault], ...] = (
        ("503html", "garbage"),
        ("refuse", "fault"),
        ("hang", "hang"),
    )
    for host, xmlrpc in faults:
        pypi.faults.index_down = pypi.faults.files_down = host
        pypi.faults.xmlrpc = xmlrpc
        await asyncio.gather(*(_ask(everpin, path) for path in ("/simple/outages/", "/simple/unseen/", files[0].path)))
        await pypi.until(pypi.count(kind="xmlrpc") + 1, kind="xmlrpc")
    pypi.faults.mend_all()
    await pypi.stop()
    assert await _ask(everpin, "/simple/outages/") == 200
    assert await _ask(everpin, "/simple/unseen/") == 503
    await pypi.start()
    await _until_had(everpin, *files)


async def _until_had(everpin: Everpin, *files: File) -> None:
    async def are_had() -> bool:
        return {await _ask(everpin, file.path) for file in files} == {200}

    await until(are_had)


async def _deletions(everpin: Everpin, pypi: PyPISim) -> None:
    """Files are deleted and rescued, one at first in vain, releases yanked, projects quarantined and removed."""
    files = [_uploaded(pypi, name, f"1.{number}", size=1_000) for name in ("here", "gone") for number in range(4)]
    assert await _ask(everpin, files[0].path) == 200
    assert await _ask(everpin, files[4].path) == 200
    pypi.yank("here", "1.1", "broken")
    await everpin.until_told("release.yanked", "here")
    pypi.unyank("here", "1.1")
    pypi.delete_file("here", files[0].filename)
    pypi.delete_release("here", "1.1")
    await everpin.until_told("rescued", "here")
    pypi.quarantine_project("here")
    await everpin.until_told("project.quarantined", "here")
    assert await _ask(everpin, files[0].path) == 403
    pypi.clear_project_quarantine("here")
    await everpin.until_told("project.quarantine_cleared", "here")
    pypi.faults.forget_file(files[5].filename)
    pypi.delete_project("gone")
    await everpin.until_told("project.deleted", "gone")
    await everpin.until_told("rescued", "gone")
    await pypi.until(kind="file", path=files[5].filename)
    pypi.faults.mend_all()


async def _feeds(everpin: Everpin) -> None:
    """Everything that readers, machines and dashboards ask for, also wrongly."""
    paths = ("/feed/deletions.atom", "/feed/deletions.json", "/api/v1/events", "/healthz", "/readyz", "/metrics")
    for path in paths:
        assert await _ask(everpin, path) == 200
    assert await _ask(everpin, "/api/v1/events?since=1-999999") == 410
    assert await _ask(everpin, "/api/v1/events?limit=many") == 400
    etag = (await everpin.get("/feed/deletions.atom")).headers["ETag"]
    assert await _ask(everpin, "/feed/deletions.atom", **{"If-None-Match": etag}) == 304


@asynccontextmanager
async def _busy(everpin: Everpin, pypi: PyPISim) -> AsyncIterator[None]:
    """Meanwhile one client waits for the rest of a file and another one for a page."""
    file = _uploaded(pypi, "busy", "1.0")
    assert await _ask(everpin, "/simple/busy/") == 200
    pypi.faults.hold(file.filename, after=_LARGE // 2)
    pypi.faults.page("never", "hang")
    waiting = [asyncio.create_task(_ask(everpin, path)) for path in (file.path, "/simple/never/")]
    await pypi.until(kind="file", path=file.filename)
    await pypi.until(kind="page", path="never")
    yield
    # 0: broken off.
    assert set(await asyncio.gather(*waiting)) <= {0, 503}


def _uploaded(pypi: PyPISim, name: str, version: str, *, size: int = _LARGE) -> File:
    return pypi.upload(name, version, uploaded_at=_old(pypi), payload_size=size)


def _old(pypi: PyPISim) -> datetime:
    return pypi.now() - timedelta(days=200)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS), trust_env=False)


async def _ask(everpin: Everpin, path: str, method: str = "GET", **headers: str) -> int:
    """The status of an answer that was read to its end; 0 where it was broken off."""
    try:
        async with _session() as session, session.request(method, f"{everpin.url}{path}", headers=headers) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return 0
