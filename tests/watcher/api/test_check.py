"""`/api/v1/check`: a lock file, or pins, against the mirror that is asked."""

import asyncio
import json
from pathlib import Path
from typing import Any

from mirror.catalog.database import Catalog
from mirror.names import ProjectName
from mirror.setting_subscribers import Locks
from mirror.upstream.turns import Turns
from tests.pypi_sim import File, PyPISim
from tests.watcher.checking.story import everything_happened
from tests.watcher.houses import House, house_of, long_ago
from watcher.api.looking import MOST_PROJECTS, Looking
from watcher.checking.evidence import Asked

CHECK_URL = "/api/v1/check"
JSON = {"Content-Type": "application/json"}


async def asked(house: House, body: bytes | str, path: str = CHECK_URL, **headers: str) -> tuple[int, Any]:
    """Status and document of the answer."""
    async with house.http.post(path, data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


async def about(house: House, *pins: dict[str, str], query: str = "") -> tuple[int, Any]:
    """The answer to a question about pins."""
    return await asked(house, json.dumps({"pins": pins}), CHECK_URL + query, **JSON)


def requirement(*files: File) -> str:
    """A requirements file that pins these by their digests."""
    return "".join(f"{file.project}=={file.version} --hash=sha256:{file.sha256}\n" for file in files)


async def test_a_lock_file_is_answered_with_a_row_for_each_pin(house: House) -> None:
    """What each pin is, all states counted, and nothing that a cache may keep."""
    files = await everything_happened(house)

    status, said = await asked(house, requirement(*files.values()), f"{CHECK_URL}?filename=requirements.txt")
    _, strict = await asked(house, requirement(*files.values()), f"{CHECK_URL}?strict=true")

    assert status == 200
    assert [row["state"] for row in said["files"]] == list(files)
    assert [row["source"] for row in said["files"]] == [f"requirements.txt:{n + 1}" for n in range(len(files))]
    first = said["files"][0]
    assert first == {
        "source": "requirements.txt:1",
        "project": "live",
        "version": "1.0",
        "filename": files["live"].filename,
        "sha256": files["live"].sha256,
        "state": "live",
        "reason": "upstream lists it",
        "advice": "",
    }
    assert said["summary"] == dict.fromkeys(files, 1)
    assert (said["findings"], strict["findings"], said["left_out"]) == (5, 6, [])


async def test_a_fresh_mirror_looks_first(house: House, pypi: PyPISim) -> None:
    """What nobody asked for yet is observed as for an installer; what upstream has not, it says."""
    old = long_ago(pypi, days=400)
    here = pypi.upload("here", "1.0", uploaded_at=old)
    pypi.upload("here", "1.1", uploaded_at=old)

    _, said = await about(
        house,
        {"project": "Here", "sha256": here.sha256},
        {"project": "here", "version": "9"},
        {"project": "nobody", "version": "1"},
    )

    live, version, project = said["files"]
    assert (live["state"], live["filename"], live["project"]) == ("live", here.filename, "here")
    assert (version["state"], version["advice"]) == (
        "unknown",
        "upstream does not offer it; the newest live release is 1.1, which is older",
    )
    assert (project["state"], project["advice"].split(":")[0]) == ("unknown", "upstream has no project of that name")
    assert (await house.states("here"))[here.filename] == "live"


async def test_what_is_newer_than_the_last_look_is_found(house: House, pypi: PyPISim) -> None:
    """A release that the journal told of is no unknown one, only because its page was not asked for since."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    await house.poll()
    await house.page("demo")
    newer = pypi.upload("demo", "1.1")
    await house.poll()

    _, said = await about(house, {"project": "demo", "version": "1.1", "sha256": newer.sha256})

    assert said["summary"] == {"live": 1}


async def test_upstream_that_hangs_is_not_waited_for(house: House, pypi: PyPISim) -> None:
    """Of no project that could not be looked at in time, or was one too many, anything is said but that."""
    pypi.faults.page("demo", "hang")
    names = [ProjectName("demo"), *(ProjectName(f"unseen-{n}") for n in range(MOST_PROJECTS))]

    outcome = await Looking(seconds=1).at(house.pages, names)

    assert outcome.pop(ProjectName("demo")) is Asked.FAILED
    assert outcome[names[-1]] is Asked.FAILED
    assert set(outcome.values()) <= {Asked.ABSENT, Asked.FAILED}


async def test_many_questions_are_not_many_requests(house: House, pypi: PyPISim) -> None:
    """Upstream is asked at a pace for all of them together, however many names they make up."""
    looking = Looking(seconds=1, pace=Turns(per_second=0.01, burst=2))
    names = [ProjectName(f"unseen-{number}") for number in range(4)]
    before = pypi.count()

    outcomes = await asyncio.gather(*(looking.at(house.pages, some) for some in (names[:2], names[2:])))

    assert pypi.count() - before <= 2
    assert {asked for outcome in outcomes for asked in outcome.values()} == {Asked.ABSENT, Asked.FAILED}


async def test_upstream_that_fails_is_said_so(house: House, pypi: PyPISim) -> None:
    """Nothing is known, and to ask again may help."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    pypi.faults.page("demo", "refuse")

    status, said = await about(house, {"project": "demo", "version": "1.0"})

    assert (status, said["files"][0]["state"]) == (200, "unknown")
    assert said["files"][0]["advice"] == "upstream could not be asked for it in time: check again in a moment"


async def test_what_others_deliver_is_left_out(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """Private names are never asked upstream, and pins of other indexes say nothing about this one."""
    pypi.upload("acme-tool", "1.0", uploaded_at=long_ago(pypi, days=400))
    async with house_of(pypi, catalog, tmp_path, private_names=("acme-*",)) as house:
        _, said = await about(
            house,
            {"project": "acme-tool", "version": "1.0", "source": "0"},
            {"project": "torch", "version": "2.0", "source": "1", "index": "https://wheels.example.org/simple/"},
            {"project": "own", "version": "2.0", "source": "2", "index": str(house.http.make_url("/simple/"))},
        )

    assert [row["project"] for row in said["files"]] == ["own"]
    left_out = {row["source"]: row["why"] for row in said["left_out"]}
    assert left_out["0"].startswith("is private to this mirror")
    assert left_out["1"] == "comes from another index: https://wheels.example.org/simple/"
    assert pypi.count(path="/simple/acme-tool/") == 0


async def test_a_question_that_makes_no_sense_is_refused(house: House) -> None:
    """With the pin that is wrong."""
    for body, sentence in (
        ('{"pins": 1}', 'the body is not {"pins": [...]}'),
        ("[[[", 'the body is not {"pins": [...]}'),
        ('{"pins": [{"project": "a b", "version": "1"}]}', "pins[0]: 'a b' is not a project's name"),
        ('{"pins": [{"project": "a"}]}', "pins[0]: a pin has a version, a sha256 or both"),
        ('{"pins": [{"project": "a", "sha256": "12"}]}', "pins[0]: a sha256 has 64 hexadecimal digits"),
        ('{"pins": [{"project": "a", "version": ""}]}', "pins[0]: that is not a version"),
    ):
        status, said = await asked(house, body, **JSON)

        assert status == 422
        assert said["detail"].startswith(sentence)


async def test_a_lock_that_cannot_be_read_is_refused_with_its_line(house: House) -> None:
    """And a file that names another one, which no server should open."""
    broken = await asked(house, "demo==1.0\n???\n", **{"Content-Disposition": 'attachment; filename="my/req.txt"'})
    including = await asked(house, "-r /etc/passwd\n")
    pipfile = await asked(house, '{"_meta": {}, "default": {"demo": {"version": "==1.0"}}}', **JSON)
    in_parts = await asked(house, "", **{"Content-Type": "multipart/form-data; boundary=x"})

    assert (broken[0], broken[1]["detail"].split(":")[0]) == (422, "my/req.txt, line 2")
    assert (including[0], in_parts[0]) == (422, 415)
    assert [row["source"] for row in pipfile[1]["files"]] == ["Pipfile.lock"]
    assert "not at hand here" in including[1]["detail"]


async def test_too_much_is_refused(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """A body beyond `locks.max_body`, whatever it says of its length, and flags that are none."""
    async with house_of(pypi, catalog, tmp_path, locks=Locks(max_body=1000, enabled=False)) as house:
        small, _ = await asked(house, "demo==1.0\n")
        large, _ = await asked(house, "#" * 2000)
        flag, _ = await asked(house, "demo==1.0\n", f"{CHECK_URL}?strict=perhaps")
        read, _ = await house.get(CHECK_URL)

    assert (small, large, flag, read) == (200, 413, 400, 405)
