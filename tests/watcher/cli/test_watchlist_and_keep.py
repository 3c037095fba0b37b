"""`watchlist` and `keep`, run beside an everpin that serves."""

from pathlib import Path

from mirror.setting_values import Scope
from tests.watcher.cli.shells import Operator, Shell
from tests.watcher.houses import House, long_ago

HINT = 'keep.scope is "requested": set it to "watched" to have every file of these kept'


def _row(name: str, source: str, known: str) -> str:
    return f"{name:<40}  {source:<20}  {known}"


async def test_projects_are_put_on_the_list_and_taken_off(house: House, operator: Operator) -> None:
    """By whatever spelling; what is known of them is shown."""
    house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.page("demo")

    added = await operator.says("watchlist", "add", "Demo", "not_yet")
    again = await operator.does("watchlist", "add", "demo")
    listed = await operator.says("watchlist", "list")
    removed = await operator.says("watchlist", "remove", "not-yet", "never")

    assert added == ["demo: added", "not-yet: added"]
    assert (again.out.splitlines(), again.err.splitlines()[-1]) == (["demo: was on the list"], HINT)
    assert listed == [_row("demo", "list", "0 of 1 files kept"), _row("not-yet", "list", "not known yet")]
    assert removed == ["never: was not on the list", "not-yet: removed"]


async def test_a_file_of_names_is_imported_whole_or_not_at_all(
    house: House, operator: Operator, tmp_path: Path
) -> None:
    """A line that cannot be read is named, and nothing is changed. What the file names by -r is read with it."""
    good, bad = tmp_path / "requirements.txt", tmp_path / "bad.txt"
    good.write_text("Flask==3.0\n-r more/list.txt\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "list.txt").write_text("requests>=2 # http\nours @ file:///ours\n")
    bad.write_text("django\n???\n")
    lost, locked = tmp_path / "lost.txt", tmp_path / "pdm.lock"
    lost.write_text("-r none.txt\n")
    locked.write_text('[[package]]\nname = "httpx"\nversion = "1.0"\n')

    refused = await operator.says("watchlist", "import", str(bad), status=2)
    missing = await operator.says("watchlist", "import", str(tmp_path / "none"), status=2)
    unfollowed = await operator.says("watchlist", "import", str(lost), status=2)
    imported = await operator.says("watchlist", "import", str(good))
    of_lock = await operator.says("watchlist", "import", str(locked))
    listed = await operator.says("watchlist", "list")

    assert refused == ["everpin: bad.txt, line 2: '???' is no name and no requirement"]
    assert missing == [f"everpin: {tmp_path}/none cannot be read: No such file or directory"]
    assert unfollowed == ["everpin: lost.txt, line 1: none.txt cannot be read: No such file or directory"]
    assert imported == ["flask: added", "requests: added"]
    assert of_lock == ["httpx: added"]
    assert [line.split()[0] for line in listed] == ["flask", "httpx", "requests"]


async def test_what_the_settings_watch_is_listed_too(house: House, shell: Shell, database_url: str) -> None:
    """With where each comes from."""
    for name in ("acme-web", "other"):
        house.pypi.upload(name, "1.0", uploaded_at=long_ago(house.pypi, days=9))
        await house.page(name)
    variables = {
        "EVERPIN_DATABASE__URL": database_url,
        "EVERPIN_KEEP__SCOPE": Scope.WATCHED,
        "EVERPIN_KEEP__WATCH": "Acme_*,later",
    }
    await shell.run("watchlist", "add", "acme-web", **variables)

    ended = await shell.run("watchlist", "list", **variables)

    assert ended.out.splitlines() == [
        _row("acme-web", "keep.watch and list", "0 of 1 files kept"),
        _row("later", "keep.watch", "not known yet"),
    ]
    assert "keep.scope" not in ended.err


async def test_what_was_kept_by_hand_outlives_upstream(house: House, operator: Operator) -> None:
    """A project that nobody had asked for; afterwards upstream may lose everything and be gone."""
    pypi = house.pypi
    files = [pypi.upload("demo", v, uploaded_at=long_ago(pypi, days=200)) for v in ("1.0", "2.0")]

    first = await operator.says("keep", "demo==1.0.0")
    both = await operator.says("keep", "Demo")
    pypi.delete_project("demo")
    await house.poll()
    await pypi.stop()

    assert first == [f"kept  {files[0].filename}", "1 kept, 0 already kept, 0 not kept, 0 failed"]
    assert sorted(both) == [
        "1 kept, 1 already kept, 0 not kept, 0 failed",
        f"already kept  {files[0].filename}",
        f"kept  {files[1].filename}",
    ]
    for file in files:
        assert await house.get(file.path) == (200, file.content)
        assert (await house.get(f"{file.path}.metadata"))[0] == 200


async def test_what_could_not_be_kept_ends_with_status_one(house: House, operator: Operator) -> None:
    """The rest is kept all the same; what does not exist is named; nonsense is refused."""
    pypi = house.pypi
    good, bad = (pypi.upload("demo", v, uploaded_at=long_ago(pypi, days=200)) for v in ("1.0", "2.0"))
    pypi.faults.wrong_bytes(bad.filename)

    ended = await operator.does("keep", "demo", "nobody", "demo==9")
    refused = await operator.says("keep", "../x", status=2)

    assert ended.status == 1
    assert f"kept  {good.filename}" in ended.out.splitlines()
    assert any(line.startswith(f"failed  {bad.filename}: ") for line in ended.out.splitlines())
    assert ended.out.splitlines()[-1] == "1 kept, 0 already kept, 0 not kept, 3 failed"
    assert "failed: upstream has no project nobody" in ended.err.splitlines()
    assert "failed: no file of demo==9 is known" in ended.err.splitlines()
    assert refused == ["everpin: '../x' is not PROJECT or PROJECT==VERSION"]
