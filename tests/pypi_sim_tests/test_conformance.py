"""The simulator tells the recorded history in the words of the record."""

import ast
import gzip
import re
import xmlrpc.client
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pypi_sim import PyPISim
from tests.pypi_sim_tests import traces
from tests.pypi_sim_tests.client import Client, Got
from tests.pypi_sim_tests.recording import Recorded, comparable_headers, comparable_text, read
from tests.pypi_sim_tests.scenario import ACTS, CAPTURES, recorded_rows, replay

_OF_THE_SERVER = frozenset({"date", "server"})
_EXCHANGES = ("simple-*.txt", "pypi-json*.txt", "rss-*.txt")
_JSON = "application/vnd.pypi.simple.v1+json"
_NEGOTIATED: dict[str, dict[str, str]] = {
    "simple-pip-accept": {"Accept": f"{_JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"},
    "simple-no-accept": {},
    "simple-latest-json": {"Accept": "application/vnd.pypi.simple.latest+json"},
    "simple-no-slash": {},
    "simple-unnormalized": {},
    "simple-missing": {},
    "simple-head": {"Accept": _JSON},
    "simple-gzip": {"Accept": _JSON, "Accept-Encoding": "gzip"},
    "json-missing": {},
    "json-missing-release": {},
    "json-unnormalized": {},
}


def _statuses(act: str) -> list[str]:
    return (CAPTURES / "acts" / act / "status.txt").read_text(encoding="utf-8").splitlines()


def _exchanges_after(act: str) -> list[Path]:
    folder = CAPTURES / "acts" / act
    return sorted(path for pattern in _EXCHANGES for path in folder.glob(pattern))


_WITHOUT_EXCHANGES = {
    "11-reupload-deleted-filename",
    "12-reupload-deleted-same-content",
    "21-upload-to-archived",
    "24-recreate-project-same-version",
    "31-reupload-prohibited-name",
}
"""Refused uploads: no surface changed, and what an act did not change is not repeated in the record."""


def test_the_whole_journal_is_the_recorded_one() -> None:
    """Names, versions, actions, times and serials agree, the gap of the refused upload included."""
    sim = PyPISim()

    replay(sim)

    assert list(sim.rows_since(0)) == recorded_rows()


@pytest.mark.parametrize("act", [act for act in ACTS if act not in _WITHOUT_EXCHANGES])
async def test_after_each_act_every_recorded_surface_looks_the_same(sim: PyPISim, http: Client, act: str) -> None:
    """Index, project page, JSON API and feeds agree in status, headers and body."""
    replay(sim, through=act)

    exchanges = _exchanges_after(act)
    assert exchanges
    for path in exchanges:
        recorded = read(path)
        got = await _ask_again(http, sim, recorded)
        _assert_alike(sim, got, recorded)


@pytest.mark.parametrize("act", ACTS)
def test_after_each_act_the_list_of_packages_is_the_recorded_one(act: str) -> None:
    """Keys, their order and serials agree, stale ones after deleted files and nuked users included."""
    sim = PyPISim()
    replay(sim, through=act)
    # What an act did not change is not repeated in the record.
    told = [CAPTURES / "acts" / each / "rpc.txt" for each in ACTS if each <= act]
    last, packages = [path for path in told if path.exists()][-1].read_text(encoding="utf-8").splitlines()

    assert f"changelog_last_serial() -> {sim.last_serial}" == last
    recorded = ast.literal_eval(packages.partition(" -> ")[2])
    assert list(sim.packages_with_serials().items()) == list(recorded.items())


@pytest.mark.parametrize("act", [act for act in ACTS if "(file server)" in "".join(_statuses(act))])
async def test_after_each_act_every_file_ever_uploaded_answers_as_recorded(
    sim: PyPISim, http: Client, act: str
) -> None:
    """Files and the metadata of wheels stay after every kind of deletion; sdists have no metadata."""
    replay(sim, through=act)
    urls = {file.filename: sim.file_url(file) for file in sim.stored.values()}

    recorded = [line.split(" (file server) ") for line in _statuses(act) if "(file server)" in line]
    for status, url in recorded:
        filename = url.rpartition("/")[2]
        suffix = ".metadata" if filename.endswith(".metadata") else ""
        got = await http.get(urls[filename.removesuffix(".metadata")] + suffix)
        assert got.status == int(status), filename


@pytest.mark.parametrize("act", ACTS)
async def test_after_each_act_every_surface_has_the_recorded_status_and_serial(
    sim: PyPISim, http: Client, act: str
) -> None:
    """Changed or not: lists and pages in both forms, JSON API and feeds."""
    replay(sim, through=act)

    recorded = [line for line in _statuses(act) if "last-serial=" in line]
    assert recorded
    for line in recorded:
        status, serial, path, accept = line.split(" ", 3)
        got = await http.get(sim.origin + path, headers=ast.literal_eval(accept) if accept else {})
        told = got.headers.get("x-pypi-last-serial")
        assert (str(got.status), f"last-serial={told}") == (status, serial), line


async def test_behind_the_cache_readers_see_what_they_saw_in_the_recorded_traces(sim: PyPISim, http: Client) -> None:
    """Old pages once after a purge, the list for long, a nuked user's project for ever; ages within their second."""
    traces.begin(sim)

    for trace in traces.recorded_traces():
        await traces.warm_up(http, sim, trace)
        seen = [await traces.read_again(http, sim, reading) for reading in trace.before()]
        assert traces.act(sim, trace) == trace.rows
        seen += [await traces.read_again(http, sim, reading) for reading in trace.after()]

        assert tuple(seen) == trace.readings, trace.name
        ages = [(ours.age, recorded.age) for ours, recorded in zip(seen, trace.readings, strict=True)]
        assert all(abs(ours - recorded) <= 1 for ours, recorded in ages), trace.name


@pytest.mark.parametrize("name", sorted(path.stem for path in (CAPTURES / "wire").glob("xmlrpc-*.txt")))
async def test_xmlrpc_answers_and_faults_are_the_recorded_ones(sim: PyPISim, http: Client, name: str) -> None:
    """Every call gets the recorded bytes."""
    replay(sim)
    recorded = read(CAPTURES / "wire" / f"{name}.txt")
    if name == "xmlrpc-ratelimited":
        await _use_up_the_calls(sim, http)

    got = await http.ask(
        recorded.method,
        sim.origin + recorded.path,
        data=_request_body(name, recorded),
        headers={"Content-Type": "application/xml" if name == "xmlrpc-wrong-content-type" else "text/xml"},
    )

    assert got.status == recorded.status
    assert got.body.decode() == recorded.body.decode()
    _assert_headers_alike(sim, got, recorded)


@pytest.mark.parametrize(("name", "headers"), _NEGOTIATED.items())
async def test_negotiation_redirects_and_refusals_are_the_recorded_ones(
    sim: PyPISim, http: Client, name: str, headers: dict[str, str]
) -> None:
    """Status, headers and body agree; bytes that were compressed agree unpacked."""
    replay(sim)
    recorded = read(CAPTURES / "wire" / f"{name}.txt")

    got = await http.ask(recorded.method, sim.origin + recorded.path, headers=headers)

    _assert_alike(sim, got, recorded)


def test_every_recorded_exchange_is_compared() -> None:
    """A record that nobody reads would prove nothing."""
    recorded = {path.stem for path in (CAPTURES / "wire").iterdir() if not path.stem.startswith("xmlrpc-")}

    assert recorded == {*_NEGOTIATED, "simple-304", "file.metadata", "rss-missing"}
    assert {path.name for path in (CAPTURES / "acts").iterdir()} == set(ACTS)
    assert {act for act in ACTS if not _exchanges_after(act)} == _WITHOUT_EXCHANGES
    assert {path.stem for path in (CAPTURES / "cdn").iterdir()} == {trace.name for trace in traces.recorded_traces()}


async def test_an_unchanged_page_is_a_304_with_the_recorded_headers(sim: PyPISim, http: Client) -> None:
    """The entity tag of the last answer gets 304 without a body."""
    replay(sim)
    recorded = read(CAPTURES / "wire" / "simple-304.txt")
    accept = {"Accept": _JSON}
    page = f"{sim.index_url}leftpad/"
    first = await http.get(page, headers=accept)

    again = await http.get(page, headers={**accept, "If-None-Match": first.headers["etag"]})

    assert again.status == recorded.status
    assert again.body == b""
    _assert_headers_alike(sim, again, recorded)


async def test_metadata_of_a_wheel_is_served_with_the_recorded_headers(sim: PyPISim, http: Client) -> None:
    """The metadata file has the recorded content and may be kept for ever."""
    replay(sim)
    recorded = read(CAPTURES / "wire" / "file.metadata.txt")
    wheel = next(file for file in sim.stored.values() if "cp311" in file.filename)

    got = await http.get(f"{sim.file_url(wheel)}.metadata")

    assert got.body == recorded.body
    for name in ("content-type", "cache-control", "accept-ranges", "content-length", "etag"):
        assert got.headers[name] == recorded.headers[name]


async def test_the_feed_of_a_missing_project_is_a_web_page(sim: PyPISim, http: Client) -> None:
    """Status and type agree with the record; the page itself is of no interest."""
    replay(sim)
    recorded = read(CAPTURES / "wire" / "rss-missing.txt")

    got = await http.get(sim.origin + recorded.path)

    assert got.status == recorded.status
    _assert_headers_alike(sim, got, recorded)


async def _ask_again(http: Client, sim: PyPISim, recorded: Recorded) -> Got:
    headers = {"Accept": recorded.accept} if recorded.accept else {}
    return await http.ask(recorded.method, sim.origin + recorded.path, headers=headers)


async def _use_up_the_calls(sim: PyPISim, http: Client) -> None:
    sim.rate_limit.calls, sim.rate_limit.window = 5, timedelta(minutes=1)
    for _ in range(5):
        body = xmlrpc.client.dumps((), "changelog_last_serial").encode()
        await http.ask("POST", sim.xmlrpc_url, data=body, headers={"Content-Type": "text/xml"})
    sim.advance(timedelta(seconds=1))


def _request_body(name: str, recorded: Recorded) -> bytes | None:
    if recorded.method == "GET":
        return None
    if name == "xmlrpc-malformed":
        return b"<methodCall><methodName>changelog_last"
    if name == "xmlrpc-ratelimited":
        return xmlrpc.client.dumps((), "changelog_last_serial").encode()
    return recorded.request_body


def _assert_alike(sim: PyPISim, got: Got, recorded: Recorded) -> None:
    assert got.status == recorded.status, recorded.path
    unpacked = gzip.decompress(got.body) if "content-encoding" in got.headers else got.body
    body = comparable_text(unpacked.decode(), index=sim.origin, files=sim.files_url)
    if recorded.status == 404 and "html" in recorded.headers["content-type"]:
        assert "404" in body
    else:
        assert body == recorded.comparable_body()
    _assert_headers_alike(sim, got, recorded)


def _assert_headers_alike(sim: PyPISim, got: Got, recorded: Recorded) -> None:
    ours = {name: value for name, value in got.headers.items() if name not in _OF_THE_SERVER}
    comparable = comparable_headers(ours, index=sim.origin)
    assert comparable == recorded.comparable_headers(), recorded.path
    tag = got.headers.get("etag")
    assert tag is None or re.fullmatch(r'"[A-Za-z0-9+/]{22}"', tag)
