"""`import` and `verify`, run beside an everpin that serves."""

from pathlib import Path

from mirror.store.keys import StoreKey
from tests.watcher.cli.shells import Operator
from tests.watcher.houses import House, long_ago


async def test_import_says_what_it_took_in(house: House, operator: Operator, tmp_path: Path) -> None:
    """File by file, and how many of each kind; unknown ones are no failure, but are told of."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.poll()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / file.filename).write_bytes(file.content)
    (tree / "gone-1.0.tar.gz").write_bytes(b"an sdist")

    said = await operator.says("import", str(tree))
    again = await operator.says("import", str(tree), "--vouch", "--reason", "ours")

    assert said == [
        f"{file.filename}: adopted",
        "gone-1.0.tar.gz: unknown",
        "1 adopted, 1 unknown",
        "what is unknown here enters only with --vouch --reason TEXT",
    ]
    assert again == ["gone-1.0.tar.gz: vouched for (gone 1.0, kept)", "1 already here, 1 vouched for"]


async def test_import_wants_a_reason_for_vouching_and_a_directory(operator: Operator, tmp_path: Path) -> None:
    """Bad input is one line and changes nothing."""
    assert await operator.says("import", str(tmp_path), "--vouch", status=2) == [
        "everpin: --vouch and --reason belong together"
    ]
    assert await operator.says("import", str(tmp_path / "nowhere"), status=2) == [
        f"everpin: {tmp_path}/nowhere is no directory"
    ]


async def test_what_cannot_be_taken_in_is_a_failure(house: House, operator: Operator, tmp_path: Path) -> None:
    """With the name, the reason, and status 1; the rest is taken in all the same."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.poll()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / file.filename).write_bytes(file.content)
    (tree / "notes.txt").write_bytes(b"no distribution")

    ended = await operator.does("import", str(tree), "--vouch", "--reason", "ours")

    assert ended.status == 1
    assert ended.out.splitlines() == [
        f"{file.filename}: adopted",
        "notes.txt: refused (its name does not say of which project and version it is)",
        "1 adopted, 1 refused",
    ]


async def test_verify_says_what_it_found_and_mends_it_when_told_to(house: House, operator: Operator) -> None:
    """Status 1 as long as anything is not as it should be."""
    file = house.pypi.upload("demo", "1.0", uploaded_at=long_ago(house.pypi, days=9))
    await house.poll()
    await house.get(await house.url("demo", file.filename))
    path = house.supply.store.local_path(StoreKey(file.sha256))  # type: ignore[arg-type]  # the simulator's digests are plain text
    assert path is not None
    path.unlink()

    found = await operator.does("verify")
    mended = await operator.says("verify", "--full", "--repair")

    line = f"demo  {file.filename}  sha256:{file.sha256}: missing"
    assert (found.status, found.out.splitlines()) == (1, [line, "1 file looked at, 1 not as it should be"])
    assert mended[0] == f"{line}, repaired"
    assert await operator.says("verify") == ["1 file looked at, all well"]
    assert await operator.says("verify", "--full", "--sample", "1", status=2) == [
        "everpin: --full and --sample exclude each other"
    ]
