"""The short way to a warm page gives what the long way gives, and is taken by no request that it does not suit."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import product

import aiohttp
from aiohttp import web
from yarl import URL

from mirror.catalog.notices import NoticesLost
from mirror.web.keys import ORIGINS
from mirror.web.quick import Quick
from tests.mirror.web.clients import JSON, V1_HTML, Answer, ask, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House

PAGE = "/simple/demo/"
THE_LONG_WAY = f"{PAGE}?long"
ACCEPTED = [JSON, V1_HTML, "text/html", "*/*", f"{JSON};q=0.1, {V1_HTML};q=0.9", "application/xml", "x" * 7_000]
ENCODINGS = ["identity", "gzip", "gzip;q=0, *;q=0.5", "*", "br"]


def comparable(answer: Answer) -> tuple[int, str, dict[str, str], bytes]:
    """An answer without the moment at which it was given."""
    return answer.status, answer.reason, {k: v for k, v in answer.headers.items() if k != "Date"}, answer.body


@asynccontextmanager
async def short_way_only(house: House, *, base_url: str = "") -> AsyncIterator[str]:
    """The address of a server on the house's pages that knows no other way: 599 for what it cannot answer."""

    async def rest(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=599)

    runner = web.ServerRunner(web.Server(Quick(house.pages, house.http.app[ORIGINS], rest, base_url=base_url)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def status_of(url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> int:
    """The status of one answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, URL(url, encoded=True), headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


async def warm(house: House, pypi: PyPISim, *accepts: str) -> None:
    """Has a page in memory, in each of these forms, and no notice of it on its way."""
    old_wheel(pypi)
    await ask(house, PAGE)
    await house.vouched()
    for accept in accepts or (JSON,):
        await ask(house, PAGE, Accept=accept)


async def test_both_ways_lead_to_the_same_answer(house: House, pypi: PyPISim) -> None:
    """Status, reason, every header and the body, whatever is asked for; also for who has the page already."""
    await warm(house, pypi, JSON, V1_HTML, "text/html")

    for accept, encoding, method in product(ACCEPTED, ENCODINGS, ["GET", "HEAD"]):
        wanted = {"Accept": accept, "Accept_Encoding": encoding}
        etag = (await ask(house, PAGE, **wanted)).headers.get("ETag", "")
        for known in ("", etag):
            asked = wanted | {"If_None_Match": known}
            short, long = await ask(house, PAGE, method, **asked), await ask(house, THE_LONG_WAY, method, **asked)
            assert comparable(short) == comparable(long), asked


async def test_a_warm_page_takes_the_short_way(house: House, pypi: PyPISim) -> None:
    """As soon as it is in memory in the form that is asked for, and as long as nothing about it is in doubt."""
    async with short_way_only(house) as url:
        cold = await status_of(url + PAGE, headers={"Accept": JSON})
        await warm(house, pypi)
        taken = await status_of(url + PAGE, headers={"Accept": JSON})
        other_form = await status_of(url + PAGE, headers={"Accept": "text/html"})
        house.pages.heard(NoticesLost(hearing=False))
        unheard = await status_of(url + PAGE, headers={"Accept": JSON})

    assert (cold, taken, other_form, unheard) == (599, 200, 599, 599)


async def test_a_prefix_that_a_proxy_leaves_in_the_path_is_no_detour(house: House, pypi: PyPISim) -> None:
    """Below the path of `mirror.base_url` pages are as near as without it; below no other."""
    await warm(house, pypi)

    async with short_way_only(house, base_url="https://example.org/python/") as url:
        paths = [f"/python{PAGE}", PAGE, f"/ruby{PAGE}", f"/python/python{PAGE}"]
        statuses = [await status_of(url + path, headers={"Accept": JSON}) for path in paths]

    assert statuses == [200, 200, 599, 599]


async def test_what_is_unusual_takes_the_long_way(house: House, pypi: PyPISim) -> None:
    """Only the one plain address of a page, asked for by the methods that read."""
    await warm(house, pypi)
    unusual: list[tuple[str, str, dict[str, str]]] = [
        ("POST", PAGE, {}),
        ("GET", "/simple/demo", {}),
        ("GET", "/simple/Demo/", {}),
        ("GET", "/simple/%64emo/", {}),
        ("GET", THE_LONG_WAY, {}),
        ("GET", "//simple/demo/", {}),
        ("GET", "/simple/demo/demo/", {}),
        ("GET", "/other/demo/", {}),
        ("GET", "/simple/", {}),
        ("GET", "/", {}),
        ("GET", PAGE, {"Accept": "application/xml"}),
        ("GET", PAGE, {"Expect": "100-continue"}),
        ("GET", PAGE, {"Accept-Encoding": "x" * 1_000}),
    ]

    async with short_way_only(house) as url:
        statuses = [
            await status_of(url + path, method, {"Accept": JSON} | headers) for method, path, headers in unusual
        ]

    assert statuses == [599] * len(unusual)


async def test_several_lines_of_a_header_are_one_list(house: House, pypi: PyPISim) -> None:
    """RFC 9110: a proxy may have split the list, on either way."""
    await warm(house, pypi, JSON, V1_HTML)
    headers = [("Accept", f"{V1_HTML};q=0.2"), ("Accept", JSON)]

    for path in (PAGE, THE_LONG_WAY):
        async with house.http.get(path, headers=headers) as answer:
            assert answer.headers["Content-Type"] == JSON


async def test_an_old_protocol_is_spoken_to_in_its_own_words(house: House, pypi: PyPISim) -> None:
    """HTTP/1.0, as some proxies speak it to what is behind them: the answer is of that version, and then closed."""
    await warm(house, pypi)
    reader, writer = await asyncio.open_connection(house.http.host, house.http.port)
    writer.write(f"GET {PAGE} HTTP/1.0\r\nHost: here\r\nAccept: {JSON}\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body == (await ask(house, PAGE)).body


async def test_both_ways_are_counted_as_one(house: House, pypi: PyPISim) -> None:
    """Figures do not tell which way an answer went."""
    await warm(house, pypi)
    before = await _counted(house)

    await ask(house, PAGE)
    await ask(house, THE_LONG_WAY)

    assert await _counted(house) == before + 2


async def _counted(house: House) -> float:
    wanted = 'everpin_http_requests_total{route="/simple/{project}/",status="200"}'
    lines = (await ask(house, "/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))
