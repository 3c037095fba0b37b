"""Timed traces recorded behind a cache, and the same story told again to the simulator.

Seven acts on five small projects, one after the other in one run: what readers saw just before each act and during the
seconds after it. Status, outcome at the cache, age, serial and contents are compared as the record words them.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.pypi_sim import PyPISim
from tests.pypi_sim_tests.client import Client, Got
from tests.pypi_sim_tests.scenario import CAPTURES

Row = tuple[str, str | None, int, str, int]

_LINE = re.compile(r"t= *([\d.]+)s (before|after) +(\d+ \S+) +age=(\d+) last-serial=(\S+) (.*?) *(/\S*)")
_ACT = re.compile(r"-- action done, response after ([\d.]+)s; journal: (.*)")
_JSON = "application/vnd.pypi.simple.v1+json"
_TITLE = re.compile(r"<item>\s*<title>(.*?)</title>")

# When the run began and, in seconds after that, each trace, as the ages and the times of the rows tell.
_BEGAN = datetime.fromtimestamp(1795317434.615, UTC)
_TRACES: dict[str, tuple[float, Callable[[PyPISim], object]]] = {
    "delete-release": (0.0, lambda sim: sim.delete_release("aaa", "1.1")),
    "delete-file": (10.95, lambda sim: sim.delete_file("bbb", "bbb-1.1.tar.gz")),
    "yank": (19.7, lambda sim: sim.yank("bbb", "1.0")),
    "archive": (26.2, lambda sim: sim.archive("bbb")),
    "delete-project": (32.65, lambda sim: sim.delete_project("ccc")),
    "nuke-user": (39.35, lambda sim: sim.nuke_user("mallory")),
    "quarantine-project": (52.15, lambda sim: sim.quarantine_project("eee")),
}
_WARMED_BEFORE = timedelta(seconds=0.3)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer as a trace words it: status and outcome at the cache, serial, contents, age in seconds."""

    at: datetime
    path: str
    is_json: bool
    outcome: str
    serial: str
    contents: str
    age: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """An act with the readings around it and the rows that it wrote."""

    name: str
    readings: tuple[Reading, ...]
    acted_at: datetime
    rows: tuple[Row, ...]

    def before(self) -> tuple[Reading, ...]:
        """The readings up to the act."""
        return tuple(reading for reading in self.readings if reading.at < self.acted_at)

    def after(self) -> tuple[Reading, ...]:
        """The readings from the act on."""
        return tuple(reading for reading in self.readings if reading.at >= self.acted_at)


def recorded_traces() -> list[Trace]:
    """All traces, in the order in which they were recorded."""
    return [_read(name, _BEGAN + timedelta(seconds=start)) for name, (start, _) in _TRACES.items()]


def begin(sim: PyPISim) -> None:
    """The projects as they were before the first trace, and a cache."""
    sim.cdn.enabled = True
    sim.clock.freeze(_BEGAN - timedelta(minutes=1))
    for project, versions, user in (
        ("aaa", ("1.0", "1.1"), "alice"),
        ("bbb", ("1.0", "1.1"), "alice"),
        ("ccc", ("1.0", "1.1"), "alice"),
        ("ddd", ("1.0",), "mallory"),
        ("eee", ("1.0",), "alice"),
    ):
        for version in versions:
            sim.upload(project, version, user=user)
            sim.upload(project, version, user=user, kind="sdist")
            sim.advance(timedelta(seconds=1))


def act(sim: PyPISim, trace: Trace) -> tuple[Row, ...]:
    """The trace's act at its moment; the rows that it wrote, as XML-RPC tells them."""
    mark = sim.last_serial
    sim.clock.freeze(trace.acted_at)
    _TRACES[trace.name][1](sim)
    return tuple(row.on_the_wire() for row in sim.rows_since(mark))


async def warm_up(http: Client, sim: PyPISim, trace: Trace) -> None:
    """Every surface of a trace was read shortly before the trace begins."""
    for reading in trace.before():
        await read_again(http, sim, reading, early=_WARMED_BEFORE)


async def read_again(http: Client, sim: PyPISim, reading: Reading, *, early: timedelta = timedelta(0)) -> Reading:
    """What the simulator answers to the same request at the same moment, or that much earlier."""
    sim.clock.freeze(reading.at - early)
    got = await http.get(sim.origin + reading.path, headers={"Accept": _JSON} if reading.is_json else {})
    return Reading(
        at=reading.at,
        path=reading.path,
        is_json=reading.is_json,
        outcome=f"{got.status} {got.headers['x-cache']}",
        serial=got.headers.get("x-pypi-last-serial", "None"),
        contents=_contents(got, reading),
        age=int(got.headers["age"]),
    )


def _contents(got: Got, reading: Reading) -> str:
    text = got.body.decode()
    if got.status != 200:
        return ""
    if reading.path.endswith(".xml"):
        return f"titles={','.join(_TITLE.findall(text))}"
    if reading.path.endswith("/json"):
        return f"releases={list(json.loads(text)['releases'])}"
    if not reading.is_json:
        return ""
    page = json.loads(text)
    if reading.path == "/simple/":
        return f"projects={[project['name'] for project in page['projects']]}"
    return f"files={len(page['files'])} status={page['project-status']['status']}"


def _read(name: str, start: datetime) -> Trace:
    lines = (CAPTURES / "cdn" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    (acted,) = [match for line in lines if (match := _ACT.fullmatch(line))]
    last_before = max(float(match[1]) for match in found if match[2] == "before")
    acted_at = start + timedelta(seconds=last_before + float(acted[1]))
    readings = tuple(_reading(match, {"before": start, "after": acted_at}[match[2]]) for match in found)
    assert len(readings) + 1 == sum(bool(line) for line in lines), name
    return Trace(name, readings, acted_at, tuple(ast.literal_eval(acted[2])))


def _reading(match: re.Match[str], since: datetime) -> Reading:
    seconds, _, outcome, age, serial, contents, path = match.groups()
    return Reading(
        at=since + timedelta(seconds=float(seconds)),
        path=path,
        # Of the list both forms were read; only the JSON one was taken apart.
        is_json=path.startswith("/simple/") and (path != "/simple/" or bool(contents)),
        outcome=" ".join(outcome.split()),
        serial=serial,
        contents=contents,
        age=int(age),
    )
