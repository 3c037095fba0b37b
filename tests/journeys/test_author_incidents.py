"""What authors and owners did to their users, replayed: changes of mind, clean-ups, races for names, accidents.

At each step: what is told, which files are in which state, and what an exact pin, a pin with a hash and a range get,
with pip and with uv. Upstream's files host forgets what is deleted: nothing but what everpin kept can be served then.
"""

from tests.journeys.processes import Everpin, until
from tests.journeys.users import (
    Users,
    commanded,
    kept,
    known,
    state_of,
    told_of,
    told_so_often,
    until_known,
    uploaded,
    wheels,
)
from tests.pypi_sim import PyPISim


async def test_s4_pysimplegui(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """The free versions are yanked, then deleted; years later an equal version and a new one are put in their place."""
    name = "pysimplegui"
    old = wheels(pypi, name, "4.60.3", "4.60.4", "4.60.5")
    five = wheels(pypi, name, "5.0.6", days=100)["5.0.6"]
    await known(everpin, [*old.values(), five])
    pypi.faults.forget_deleted = True

    pypi.yank(name, "4.60.5", "bad licence")
    await everpin.until_told("release.yanked", name)
    await users.can_pin(old["4.60.5"])
    await users.get(old["4.60.4"], f"{name}<5")

    pypi.unyank(name, "4.60.5")
    removals = {version: pypi.delete_release(name, version)[0] for version in ("4.60.5", "4.60.4", "4.60.3")}
    await until(lambda: told_so_often(everpin, name, 4))

    assert await told_of(everpin, name) == [
        ("release.yanked", "4.60.5", "both", {old["4.60.5"].filename: "yanked"}),
        *(("release.deleted", version, "journal", {old[version].filename: "kept"}) for version in removals),
    ]
    gone = {filename: said for v, row in removals.items() for filename, said in kept(row, old[v]).items()}
    assert await everpin.listed(name) == gone | {five.filename: False}
    for file in old.values():
        await users.can_pin(file)
    await users.are_refused(f"{name}<5")
    await users.get(five, name)

    equal = pypi.upload(name, "4.60.5.0")
    again = pypi.upload(name, "4.60.5.1")
    await until_known(everpin, equal)

    assert await state_of(everpin, equal) == "held; cause=stranger"
    assert await everpin.listed(name) == gone | {five.filename: False, again.filename: False}
    await users.can_pin(old["4.60.5"])
    await users.get(again, f"{name}<5")
    assert len(await everpin.told(project=name)) == 4


async def test_s5_nined_memory(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """An owner deletes everything and asks the mirrors to do so, too: its operator does, for good."""
    name = "nined-memory"
    files = wheels(pypi, name, "0.1.0", "0.1.1")
    await known(everpin, list(files.values()))
    removals = [pypi.delete_release(name, version)[0] for version in ("0.1.1", "0.1.0")]
    await until(lambda: told_so_often(everpin, name, 2))
    await users.can_pin(files["0.1.1"])

    shown = await commanded(everpin, "purge", name, "--reason", "its owner asks for it")
    assert all(file.filename in shown for file in files.values())
    await users.can_pin(files["0.1.1"])
    await commanded(everpin, "purge", name, "--reason", "its owner asks for it", "--yes")

    assert {await state_of(everpin, file) for file in files.values()} == {"purged"}
    assert (await everpin.get(files["0.1.1"].path)).status == 410
    assert await everpin.listed(name) == {}
    await users.are_refused(f"{name}==0.1.1", name)
    assert [(told.kind, told.serial) for told in await everpin.told(project=name)] == [
        ("release.deleted", removals[0].serial),
        ("release.deleted", removals[1].serial),
        ("operator.act", None),
        ("takedown", None),
    ]
    pypi.restore_file(name, files["0.1.1"])
    pypi.raw_row(name, "0.1.1", f"add py3 file {files['0.1.1'].filename}")
    newer = pypi.upload(name, "0.1.2")
    await everpin.until_file_is(name, newer.filename, listed=True)
    assert await everpin.listed(name) == {newer.filename: False}
    assert await state_of(everpin, files["0.1.1"]) == "purged"
    await users.get(newer, name)
    await users.are_refused(f"{name}==0.1.1")


async def test_s6_debugpy(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """A broken release is yanked and, since a tool ignores that, deleted within hours: it is not served again."""
    good = wheels(pypi, "debugpy", "1.8.2")["1.8.2"]
    bad = wheels(pypi, "debugpy", "1.8.3", days=0.2)["1.8.3"]
    await known(everpin, [good, bad])
    pypi.faults.forget_deleted = True
    pypi.yank("debugpy", "1.8.3", "incomplete")
    await everpin.until_told("release.yanked", "debugpy")
    await users.can_pin(bad)

    pypi.unyank("debugpy", "1.8.3")
    pypi.delete_release("debugpy", "1.8.3")
    await everpin.until_told("release.deleted", "debugpy")

    assert await told_of(everpin, "debugpy") == [
        ("release.yanked", "1.8.3", "both", {bad.filename: "yanked"}),
        ("release.deleted", "1.8.3", "journal", {bad.filename: "held"}),
    ]
    assert await everpin.listed("debugpy") == {good.filename: False}
    assert await state_of(everpin, bad) == "held; cause=young"
    await users.are_refused("debugpy==1.8.3")
    await users.get(good, "debugpy", "debugpy>=1.8")


async def test_s7_quota_clean_up(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """Each release makes room for itself by deleting the one before; betas go with the final version."""
    name = "dearpygui"
    files = wheels(pypi, name, "0.7.0b1", "0.7.0", days=90) | wheels(pypi, name, "0.8.0", days=30)
    await known(everpin, list(files.values()))
    pypi.faults.forget_deleted = True
    for version in ("0.7.0b1", "0.7.0"):
        pypi.delete_release(name, version)
    new = pypi.upload(name, "0.8.1")
    pypi.delete_release(name, "0.8.0")
    await until(lambda: told_so_often(everpin, name, 3))
    await everpin.until_file_is(name, new.filename, listed=True)

    assert [(kind, version, states) for kind, version, _, states in await told_of(everpin, name)] == [
        ("release.deleted", version, {files[version].filename: "kept"}) for version in ("0.7.0b1", "0.7.0", "0.8.0")
    ]
    for file in files.values():
        await users.can_pin(file)
    await users.get(new, name, f"{name}>=0.7.0b1", f"{name}>0.7")
    await users.are_refused(f"{name}<0.8.1")


async def test_s8_deleted_to_be_uploaded_again(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """A fresh release is taken back to repair it, which takes another version, since file names are burnt."""
    name, stem = "pytest-inline", "pytest_inline"
    old = wheels(pypi, name, "1.0.3")["1.0.3"]
    bad = wheels(pypi, name, "1.0.4", days=0.1)["1.0.4"]
    await known(everpin, [old, bad])
    pypi.delete_release(name, "1.0.4")
    await everpin.until_told("release.deleted", name)
    await users.are_refused(f"{name}==1.0.4")
    await users.get(old, name)

    mended = pypi.upload(name, "1.0.5")
    await everpin.until_file_is(name, mended.filename, listed=True)

    assert await told_of(everpin, name) == [("release.deleted", "1.0.4", "journal", {bad.filename: "held"})]
    assert await everpin.listed(name) == {f"{stem}-1.0.3-py3-none-any.whl": False, mended.filename: False}
    await users.get(mended, name, f"{name}>=1.0.3")
    await users.are_refused(f"{name}==1.0.4")


async def test_s9_name_race(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """Others take a name two hours after its deletion: old pins keep old bytes, nobody gets the new ones unasked."""
    old = wheels(pypi, "perf", "1.5.1", "1.6.1")
    await known(everpin, list(old.values()))
    pypi.faults.forget_deleted = True
    pypi.delete_project("perf")
    await everpin.until_told("project.deleted", "perf")

    taken = pypi.upload("perf", "9.9.9", user="mallory")
    same = pypi.upload("perf", "1.6.1", user="mallory", build_tag="1")
    await everpin.until_told("project.reregistered", "perf")
    await until_known(everpin, taken, same)

    assert await told_of(everpin, "perf") == [
        ("project.deleted", None, "journal", {file.filename: "kept" for file in old.values()}),
        ("project.reregistered", None, "journal", {}),
    ]
    for file in (taken, same):
        assert await state_of(everpin, file) == "held; cause=stranger"
    assert set(await everpin.listed("perf")) == {file.filename for file in old.values()}
    for file in old.values():
        await users.can_pin(file)
    await users.are_refused("perf", "perf>=1.0", "perf==9.9.9")


async def test_s10_recycled_name(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """A new owner must use another file name for a version that the name had before: a pin still means the old one."""
    old = wheels(pypi, "xbuild", "0.1.0")["0.1.0"]
    await known(everpin, [old])
    pypi.faults.forget_deleted = True
    pypi.delete_project("xbuild")
    await everpin.until_told("project.deleted", "xbuild")

    new = pypi.upload("xbuild", "0.1.0", user="carol", build_tag="1")
    await until_known(everpin, new)

    assert [kind for kind, *_ in await told_of(everpin, "xbuild")] == ["project.deleted", "project.reregistered"]
    assert list(await everpin.listed("xbuild")) == [old.filename]
    assert await state_of(everpin, new) == "held; cause=stranger"
    await users.can_pin(old)
    await users.are_refused("xbuild>=0.1")


async def test_s11_accident(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """A young project is deleted by mistake and cannot be created again at once, since its index asks for patience."""
    name = "neuroweave-cortex"
    old = wheels(pypi, name, "0.1.0", "0.2.0", days=20)
    await known(everpin, list(old.values()))
    pypi.faults.forget_deleted = True
    pypi.delete_project(name)
    await everpin.until_told("project.deleted", name)
    await users.are_refused(f"{name}==0.2.0", name)

    new = pypi.upload(name, "0.2.1")
    await everpin.until_told("project.reregistered", name)
    await until_known(everpin, new)

    assert await told_of(everpin, name) == [
        ("project.deleted", None, "journal", {file.filename: "held" for file in old.values()}),
        ("project.reregistered", None, "journal", {}),
    ]
    causes = {file: await state_of(everpin, file) for file in (*old.values(), new)}
    assert [*causes.values()] == ["held; cause=settling", "held; cause=settling", "held; cause=stranger"]
    assert await everpin.listed(name) == {}

    assert await everpin.stop() == 0
    await everpin.start(EVERPIN_SAFETY__SETTLE="0")
    assert set(await everpin.listed(name)) == {file.filename for file in old.values()}
    await users.can_pin(old["0.2.0"])


async def test_s12_classics(everpin: Everpin, pypi: PyPISim, users: Users) -> None:
    """The newest release of what everybody uses goes: ranges fall back, pins of what was old enough go on."""
    yaml = wheels(pypi, "pyyaml", "3.12", "3.13") | wheels(pypi, "pyyaml", "4.1", days=2)
    croniter = wheels(pypi, "croniter", "0.3.25", "0.3.26", "0.3.27", days=30)
    jaxlib = uploaded(pypi, "jaxlib", "0.4.4", "jaxlib-0.4.4-py3-none-any.whl", "jaxlib-0.4.4.tar.gz")
    await known(everpin, [*yaml.values(), *croniter.values(), *jaxlib])
    pypi.faults.forget_deleted = True
    pypi.delete_release("pyyaml", "4.1")
    for version in ("0.3.26", "0.3.27"):
        pypi.delete_release("croniter", version)
    for file in jaxlib:
        pypi.delete_file("jaxlib", file.filename)
    await until(lambda: told_so_often(everpin, "jaxlib", 2))

    assert await told_of(everpin, "pyyaml") == [
        ("release.deleted", "4.1", "journal", {yaml["4.1"].filename: "held"}),
    ]
    assert [states for *_, states in await told_of(everpin, "croniter")] == [
        {croniter[version].filename: "kept"} for version in ("0.3.26", "0.3.27")
    ]
    assert await told_of(everpin, "jaxlib") == [
        ("file.deleted", "0.4.4", "journal", {file.filename: "kept"}) for file in jaxlib
    ]
    await users.get(yaml["3.13"], "pyyaml", "pyyaml>=3.12")
    await users.are_refused("pyyaml==4.1", "jaxlib>=0.4")
    await users.get(croniter["0.3.25"], "croniter>=0.3")
    await users.can_pin(croniter["0.3.27"])
    await users.can_pin(jaxlib[0])
