"""`/api/v1/projects/{project}`: what is remembered of a project, and how its files stand today."""

import json
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from yarl import URL

from tests.pypi_sim import PyPISim, Row
from tests.watcher.houses import House, long_ago

HOSTILE = "leaks <b>memory\x1b[31m\u202e"


async def told(house: House, path: str) -> dict[str, Any]:
    """The document at `/api/v1/projects/`."""
    status, body = await house.get(f"/api/v1/projects/{path}")
    assert status == 200, body
    document: dict[str, Any] = json.loads(body)
    return document


async def lost_and_found(house: House) -> Row:
    """One project of which releases are live, yanked, kept, and held since they left young; how the kept one left."""
    pypi = house.pypi
    for version in ("1.0", "1.1", "1.2"):
        pypi.upload("Demo.Project", version, uploaded_at=long_ago(pypi, days=200))
    pypi.upload("Demo.Project", "2.0", uploaded_at=long_ago(pypi, hours=1))
    for filename in await house.listed("demo-project"):
        assert (await house.get(await house.url("demo-project", filename)))[0] == 200
    await house.watch()
    pypi.yank("demo-project", "1.1", HOSTILE)
    (row,) = pypi.delete_release("demo-project", "1.0")
    pypi.delete_release("demo-project", "2.0")
    await house.watch()
    return row


async def test_each_file_is_told_with_its_state_its_cause_and_how_it_left(house: House) -> None:
    """In whatever spelling the project is asked for; what upstream wrote can be shown."""
    row = await lost_and_found(house)

    document = await told(house, "demo_PROJECT")

    files = {release["version"]: release["files"][0] for release in document["releases"]}
    assert {version: (file["state"], file["cause"]) for version, file in files.items()} == {
        "1.0": ("kept", None),
        "1.1": ("yanked", None),
        "1.2": ("live", None),
        "2.0": ("held", "young"),
    }
    assert (document["project"], document["display_name"]) == ("demo-project", "Demo.Project")
    assert files["1.0"]["departed"] == {
        "at": f"{row.timestamp:%Y-%m-%dT%H:%M:%SZ}",
        "serial": row.serial,
        "with": "release",
        "was_yanked": False,
    }
    assert [file["departed"] is None for file in files.values()] == [False, True, True, False]
    assert (files["1.1"]["yanked"], files["1.1"]["yanked_reason"]) == (True, "leaks <b>memory[31m")
    assert [event["data"]["kind"] for event in document["events"]] == [
        "release.yanked",
        "release.deleted",
        "release.deleted",
    ]
    paths = [URL(file["url"]).path for file in files.values()]
    assert [(await house.get(path))[0] for path in paths] == [200, 200, 200, 403]


async def test_a_version_narrows_the_files_to_its_release_however_it_is_spelled(house: House) -> None:
    """The rest of the document is that of the project."""
    await lost_and_found(house)

    whole, narrow = await told(house, "demo-project"), await told(house, "demo-project?version=v1.0.0")
    nothing = await told(house, "demo-project?version=7")

    assert narrow["releases"] == [release for release in whole["releases"] if release["version"] == "1.0"]
    assert {**whole, "releases": []} == {**narrow, "releases": []} == nothing


async def test_lives_of_a_name_are_told_apart(house: House, pypi: PyPISim) -> None:
    """A newcomer's files stand in another life than those of who was there before."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), user="alice")
    await house.watch()
    await house.page("demo")
    pypi.delete_project("demo")
    await house.watch()
    between = await told(house, "demo")
    pypi.upload("demo", "2.0", user="mallory")
    await house.watch()

    document = await told(house, "demo")

    (first, second) = document["incarnations"]
    assert (between["removed_at"] is None, document["removed_at"]) == (False, None)
    assert (first["number"], second["number"], second["same_owner"]) == (1, 2, False)
    assert second["freed_at"] == between["removed_at"]
    assert [
        (file["incarnation"], file["state"], file["cause"])
        for release in document["releases"]
        for file in release["files"]
    ] == [(1, "kept", None), (2, "held", "stranger")]


async def test_files_stand_as_they_would_be_served_though_nobody_watches(house: House, pypi: PyPISim) -> None:
    """A time that has passed counts before it was noted."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200), user="alice")
    await house.watch()
    await house.page("demo")
    pypi.delete_project("demo")
    pypi.upload("demo", "2.0", user="alice")
    await house.watch()
    before = (await told(house, "demo?version=2.0"))["releases"][0]["files"][0]
    pypi.advance(datetime.fromisoformat(before["until"]) - pypi.now() + timedelta(seconds=1))

    after = (await told(house, "demo?version=2.0"))["releases"][0]["files"][0]

    assert (before["state"], before["cause"]) == ("held", "stranger")
    assert (after["state"], after["cause"], after["until"]) == ("live", None, None)


async def test_of_what_was_never_asked_for_only_the_events_are_told(house: House, pypi: PyPISim) -> None:
    """What follows from files is null; of what nothing is known there is no document."""
    pypi.upload("unknown", "1.0", uploaded_at=long_ago(pypi, days=200))
    await house.poll()
    pypi.delete_release("unknown", "1.0")
    await house.poll()

    document = await told(house, "unknown")

    assert (document["known"], document["releases"], document["incarnations"]) == (False, [], [])
    assert [event["data"]["kind"] for event in document["events"]] == ["release.deleted"]
    assert document["observed_since"] is not None
    assert [(await house.get(f"/api/v1/projects/{path}"))[0] for path in ("nobody", "-", "a%2Fb", "%00")] == [404] * 4
    assert [(await house.get(f"/api/v1/projects/unknown?version={v}"))[0] for v in ("", "1" * 201)] == [400] * 2


async def test_what_has_not_changed_is_not_sent_again(house: House, pypi: PyPISim) -> None:
    """An event is a change; so is a file that another state is true of."""
    await lost_and_found(house)
    async with house.http.get("/api/v1/projects/demo-project") as answer:
        tag = answer.headers["ETag"]

    async with house.http.get("/api/v1/projects/demo-project", headers={"If-None-Match": f'"x", W/{tag}'}) as same:
        pass
    pypi.unyank("demo-project", "1.1")
    await house.watch()
    async with house.http.get("/api/v1/projects/demo-project", headers={"If-None-Match": tag}) as other:
        pass

    assert (same.status, same.headers["ETag"], other.status) == (304, tag, 200)


async def test_names_that_mean_harm_are_shown_and_lead_nowhere_else(house: House, pypi: PyPISim) -> None:
    """No control character goes out, and each address is below this mirror's own."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
    pypi.faults.page("demo", "hostile-names")
    await house.page("demo")

    document = await told(house, "demo")

    files = [file for release in document["releases"] for file in release["files"]]
    names = [file["filename"] for file in files]
    assert any("<img" in name for name in names)
    assert not any(unicodedata.category(letter)[0] == "C" for name in names for letter in name)
    origin = str(house.http.make_url("/packages/"))
    assert all(file["url"] is None or file["url"].startswith(origin) for file in files)
    assert not any(piece in file["url"] for file in files if file["url"] for piece in ("..", "<", '"', "\\"))
