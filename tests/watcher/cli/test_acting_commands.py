"""The verbs with which operators intervene, run beside an everpin that serves."""

import os
import pwd

import pytest

from mirror.catalog import acts
from mirror.catalog.database import Catalog
from tests.pypi_sim import File, PyPISim
from tests.watcher.cli.shells import Operator
from tests.watcher.houses import House, long_ago

REASON = ("--reason", "so be it")


async def _known(house: House, *versions: str) -> list[File]:
    files = [house.pypi.upload("demo", one, uploaded_at=long_ago(house.pypi, days=400)) for one in versions]
    await house.poll()
    for file in files:
        assert (await house.get(await house.url("demo", file.filename)))[0] == 200
    return files


async def test_block_and_unblock_say_what_they_did(house: House, operator: Operator, catalog: Catalog) -> None:
    """To which files, and what stays blocked all the same; the act is recorded under the user's name."""
    one, two = await _known(house, "1.0", "2.0")

    blocked = await operator.says("block", "demo", *REASON)
    part = await operator.says("block", "demo==1.0", *REASON)
    freed = await operator.says("unblock", "demo==1.0", *REASON)

    assert blocked == [
        "act 1: block demo, 2 files",
        f"  demo  {one.filename}  sha256:{one.sha256}: live -> blocked (operator)",
        f"  demo  {two.filename}  sha256:{two.sha256}: live -> blocked (operator)",
        "what is seen of it later is blocked, too",
    ]
    assert part[:2] == [
        "act 2: block demo==1.0, 1 file",
        f"  demo  {one.filename}  sha256:{one.sha256}: blocked (operator)",
    ]
    assert freed[-1] == "still blocked by another block: 1 of them; `everpin explain` names it"
    async with catalog.reading() as conn:
        assert {act.actor for act in await acts.newest(conn, limit=9)} == {pwd.getpwuid(os.getuid()).pw_name}


async def test_block_of_what_is_not_known_yet_says_so(house: House, operator: Operator) -> None:
    """It is accepted all the same, and explained."""
    said = await operator.says("block", "unheard==1.0", *REASON)

    assert said == [
        "act 1: block unheard==1.0, 0 files",
        "no file of it is known yet; those seen later are blocked",
    ]
    explained = await operator.says("explain", "unheard")
    assert any(line.startswith("blocked, also what comes later, by an operator") for line in explained)


async def test_purge_shows_its_plan_until_it_is_told_to_go_on(house: House, operator: Operator) -> None:
    """Without `--yes` nothing is changed; with it the bytes are gone, and explain says by which act."""
    (file,) = await _known(house, "1.0")
    address = await house.url("demo", file.filename)

    plan = await operator.says("purge", "demo", *REASON)
    before = await house.get(address)
    done = await operator.says("purge", "demo", *REASON, "--yes")
    explained = await operator.says("explain", "demo")

    assert plan == [
        f"would destroy 1 file, {file.size} bytes in the store; nothing was changed",
        f"  demo  {file.filename}  sha256:{file.sha256}, {file.size} bytes",
        "add --yes to do it; what upstream no longer has cannot be had again",
    ]
    assert before == (200, file.content)
    assert (await house.get(address))[0] == 410
    assert done[0] == "act 1: purge demo, 1 file"
    assert any("purged by an operator" in line and "so be it" in line for line in explained)


async def test_release_says_what_is_served_now(house: House, pypi: PyPISim, operator: Operator) -> None:
    """And explain says who decided that, and why."""
    await _known(house, "1.0")
    young = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, hours=1))
    await house.watch()
    pypi.delete_release("demo", "2.0")
    await house.watch()

    said = await operator.says("release", "demo", *REASON, "--as-was")
    again = await operator.says("release", "demo==1.0", *REASON)
    explained = await operator.says("explain", "demo==2.0")

    assert said == [
        "act 1: release demo, 1 file",
        f"  demo  {young.filename}  sha256:{young.sha256}: held (young) -> kept (as it was)",
    ]
    assert again[1].startswith("nothing of it is held that this releases")
    assert any("released, to be listed as it was before, by an operator" in line for line in explained)
    assert (await house.listed("demo"))[young.filename] is False


async def test_the_brake_is_released(house: House, operator: Operator) -> None:
    """There is no file to tell of."""
    assert await operator.says("release", "brake", *REASON) == ["act 1: release brake"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("block", "demo"), "Missing option '--reason'"),
        (("block", "demo", "--reason", " "), "a reason is needed"),
        (("block", "demo", "--reason", "a\nb"), "must be a single line"),
        (("block", "not a name", *REASON), "is not a target"),
        (("block", "sha256:12", *REASON), "64 hexadecimal digits"),
        (("purge", "brake", *REASON), "the brake can only be released"),
        (("release", "unheard", *REASON), "no file is known here that unheard could mean"),
        (("purge", "unheard", *REASON), "no file is known here"),
        (("unblock", "unheard", *REASON), "no file is known here"),
        (("unpurge", "unheard==1", *REASON, "--debug", "--yes"), "No such option"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_line(
    house: House, operator: Operator, arguments: tuple[str, ...], complaint: str
) -> None:
    """With status 2, and nothing happens."""
    (line,) = await operator.says(*arguments, status=2)

    assert line.startswith("everpin: ")
    assert complaint in line
    assert await house.events() == []
