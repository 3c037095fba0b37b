"""Files and their metadata over HTTP: from the store, or passed on while they are fetched."""

import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from mirror.catalog.database import Catalog
from tests.mirror.web.clients import ask, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, house_of, long_ago

LARGE = 3 * 2**20


async def address(house: House, filename: str, name: str = "demo") -> str:
    """Where the page says that the file is."""
    return await house.url(name, filename)


async def test_a_cold_file_is_passed_on_and_then_comes_from_the_store(house: House, pypi: PyPISim) -> None:
    """The first client gets upstream's bytes with their length; the second asks nobody upstream."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await address(house, file.filename)

    cold = await ask(house, path)
    warm = await ask(house, path)

    for answer in (cold, warm):
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == file.size
        assert hashlib.sha256(answer.body).hexdigest() == file.sha256
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Everpin-State"] == "live"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in answer.headers
    assert pypi.fetches(file.filename) == 1


async def test_a_source_archive_is_never_unpacked_on_its_way(house: House, pypi: PyPISim) -> None:
    """`.tar.gz` is what the file is, not how it is sent."""
    file = pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))
    path = await address(house, file.filename)

    for accepted in ("identity", "gzip"):
        answer = await ask(house, path, Accept_Encoding=accepted)
        assert "Content-Encoding" not in answer.headers
        assert hashlib.sha256(answer.body).hexdigest() == file.sha256


async def test_many_who_want_the_same_file_share_one_fetch(house: House, pypi: PyPISim) -> None:
    """Sixteen clients at once, also while the file is still on its way, are one request upstream."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await address(house, file.filename)
    pypi.faults.hold(file.filename, after=LARGE // 2)

    clients = [asyncio.create_task(ask(house, path)) for _ in range(16)]
    await pypi.until(1, kind="file")
    pypi.faults.release(file.filename)
    answers = await asyncio.gather(*clients)

    assert {hashlib.sha256(answer.body).hexdigest() for answer in answers} == {file.sha256}
    assert pypi.fetches(file.filename) == 1


async def test_a_client_that_hangs_up_does_not_stop_the_keeping(house: House, pypi: PyPISim) -> None:
    """What was asked for once is worth keeping: the next client finds it in the store."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await address(house, file.filename)
    pypi.faults.hold(file.filename, after=LARGE // 2)
    async with house.http.get(path) as answer:
        await answer.content.readexactly(1000)
        answer.close()

    pypi.faults.release(file.filename)

    async def is_kept() -> bool:
        return (await house.memory("demo")).files[0].stored_at is not None

    await eventually(is_kept)

    assert (await ask(house, path)).status == 200
    assert pypi.fetches(file.filename) == 1


async def test_a_client_that_hangs_up_before_the_first_byte_is_no_failure(house: House, pypi: PyPISim) -> None:
    """Clients lose patience all the time: the file is kept, and nobody is alarmed."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await address(house, file.filename)
    pypi.faults.delay_first_byte(file.filename, 0.5)

    # As everpin runs it, a server lets handlers go on whose client is gone; the test's own cancels them.
    runner = web.AppRunner(house.http.app, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(f"GET {path} HTTP/1.1\r\nHost: everpin.example.org\r\n\r\n".encode())
        await pypi.until(1, kind="file")
        writer.close()
        await writer.wait_closed()

        async def is_kept() -> bool:
            return (await house.memory("demo")).files[0].stored_at is not None

        await eventually(is_kept)
        await site.stop()

    assert [log["event"] for log in logs if log["log_level"] in ("warning", "error", "critical")] == []


@pytest.mark.parametrize("fault", ["wrong", "truncated", "reset", "shortened"])
async def test_a_wrong_body_is_broken_off_and_not_kept(house: House, pypi: PyPISim, fault: str) -> None:
    """No client can take it for the file, nothing of it stays, and the next try works when upstream is mended."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await address(house, file.filename)
    match fault:
        case "wrong":
            pypi.faults.wrong_bytes(file.filename)
        case "truncated":
            pypi.faults.truncate(file.filename, after=LARGE // 2)
        case "reset":
            pypi.faults.reset(file.filename, after=LARGE // 2)
        case _:
            pypi.faults.shorten(file.filename, to=1000)

    try:
        refused = (await ask(house, path)).status
    except aiohttp.ClientError:
        refused = 0
    kept_wrongly = (await house.memory("demo")).files[0].stored_at
    pypi.faults.mend_all()
    answer = await ask(house, path)

    assert refused == 0 or refused >= 500
    assert kept_wrongly is None
    assert hashlib.sha256(answer.body).hexdigest() == file.sha256


async def test_a_part_of_wrong_bytes_is_refused_as_upstreams_fault(house: House, pypi: PyPISim) -> None:
    """Who asks for a part waits for the check of the whole, and is told that the gateway is not to blame."""
    filename = old_wheel(pypi)
    path = await address(house, filename)
    pypi.faults.wrong_bytes(filename)

    answer = await ask(house, path, Range="bytes=0-9")

    assert answer.status == 502


async def test_a_question_about_a_cold_file_fetches_nothing(house: House, pypi: PyPISim) -> None:
    """HEAD is answered from what the page said of the file."""
    filename = old_wheel(pypi)
    path = await address(house, filename)

    answer = await ask(house, path, "HEAD")

    assert answer.status == 200
    assert pypi.fetches(filename) == 0


@pytest.mark.parametrize("is_warm", [False, True])
async def test_a_part_of_a_file_can_be_asked_for(house: House, pypi: PyPISim, is_warm: bool) -> None:
    """Cold or warm, a range is cut out of verified bytes; one beyond the end is refused."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=LARGE)
    path = await address(house, file.filename)
    if is_warm:
        await ask(house, path)

    part = await ask(house, path, Range="bytes=100-199")
    tail = await ask(house, path, Range="bytes=-50")
    beyond = await ask(house, path, Range=f"bytes={file.size}-")

    assert (part.status, part.body) == (206, file.content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{file.size}"
    assert (tail.status, tail.body) == (206, file.content[-50:])
    assert beyond.status == 416
    assert pypi.fetches(file.filename) == 1
    assert all("Range" not in seen.headers for seen in pypi.requests if seen.kind == "file")


@pytest.mark.parametrize("is_warm", [False, True])
async def test_head_tells_the_length(house: House, pypi: PyPISim, is_warm: bool) -> None:
    """As GET, without the bytes."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), payload_size=1000)
    path = await address(house, file.filename)
    if is_warm:
        await ask(house, path)

    answer = await ask(house, path, "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == file.size
    assert answer.headers["X-Everpin-State"] == "live"
    assert answer.headers["Accept-Ranges"] == "bytes"


async def test_who_has_the_file_already_is_told_so(house: House, pypi: PyPISim) -> None:
    """A warm file has an ETag, and its holder gets 304."""
    path = await address(house, old_wheel(pypi))
    await ask(house, path)
    warm = await ask(house, path)

    again = await ask(house, path, If_None_Match=warm.headers["ETag"])

    assert (again.status, again.body) == (304, b"")


async def test_metadata_comes_as_the_file_does(house: House, pypi: PyPISim) -> None:
    """PEP 658: cold from upstream and checked, warm from the store; HEAD works, too."""
    file = pypi.upload("demo", "1.0", requires=("leftpad>=1",), uploaded_at=long_ago(pypi, days=200))
    path = f"{await address(house, file.filename)}.metadata"

    cold, warm, head = await ask(house, path), await ask(house, path), await ask(house, path, "HEAD")

    assert cold.body == warm.body == file.metadata
    assert (cold.status, warm.status, head.status) == (200, 200, 200)
    assert b"Requires-Dist: leftpad>=1" in cold.body
    assert pypi.count(kind="metadata") == 1
    assert pypi.fetches(file.filename) == 0


async def test_wrong_metadata_is_refused(house: House, pypi: PyPISim) -> None:
    """Its digest is on the page: other bytes are never passed on as whole."""
    filename = old_wheel(pypi)
    path = f"{await address(house, filename)}.metadata"
    pypi.faults.wrong_bytes(f"{filename}.metadata")

    try:
        status = (await ask(house, path)).status
    except aiohttp.ClientError:
        status = 0
    pypi.faults.mend_all()
    mended = await ask(house, path)

    assert status == 0 or status >= 500
    assert mended.status == 200


async def test_a_source_archive_has_no_metadata_of_its_own(house: House, pypi: PyPISim) -> None:
    """What the page does not announce is not looked for upstream."""
    file = pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=200))

    answer = await ask(house, f"{await address(house, file.filename)}.metadata")

    assert answer.status == 404
    assert pypi.count(kind="metadata") == 0


async def test_an_object_that_the_store_lost_is_fetched_again(house: House, pypi: PyPISim) -> None:
    """The catalog says it is there, the disk says otherwise: a client heals it by asking."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await address(house, file.filename)
    await ask(house, path)
    (stored,) = [found for found in house.settings.store_dir.rglob(f"*{file.sha256[4:]}*") if found.is_file()]
    stored.unlink()

    answers = [await ask(house, path) for _ in range(2)]

    assert [hashlib.sha256(answer.body).hexdigest() for answer in answers] == [file.sha256] * 2
    assert pypi.fetches(file.filename) == 2


async def test_what_is_stored_is_served_while_upstream_is_down(
    house: House, pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Also after a restart: kept bytes need no upstream."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await address(house, file.filename)
    await ask(house, path)
    await ask(house, f"{path}.metadata")
    await pypi.stop()

    async with house_of(pypi, catalog, tmp_path) as restarted:
        answers = [await ask(restarted, path), await ask(restarted, f"{path}.metadata")]

    assert [answer.body for answer in answers] == [file.content, file.metadata]


async def test_a_cold_file_while_the_files_host_is_down_can_be_asked_for_again(house: House, pypi: PyPISim) -> None:
    """503, and soon 200: not a word that it does not exist."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    path = await address(house, file.filename)
    pypi.faults.files_down = "503html"
    while_down = await ask(house, path)
    pypi.faults.files_down = None

    afterwards = await ask(house, path)

    assert while_down.status == 503
    assert int(while_down.headers["Retry-After"]) <= 2
    assert afterwards.body == file.content
