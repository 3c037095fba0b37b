"""How what a lock file demands stands, after everything that can happen upstream and here."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from mirror.catalog.database import Catalog
from mirror.names import ProjectName, Sha256
from mirror.setting_sections import Safety
from mirror.targets import Verb
from tests.osv_sim import OsvSim
from tests.pypi_sim import PyPISim
from tests.watcher.checking.story import checked, everything_happened, kept_all, one, order, pin
from tests.watcher.houses import House, house_of, long_ago
from watcher.locks import Pin

OTHER = Sha256("0" * 64)


def released(name: str, version: str | None = "1.0") -> Pin:
    """A pin that names a release and no file."""
    return Pin(ProjectName(name), version, None, None, "requirements.txt:1")


async def test_every_state_has_its_words(house: House) -> None:
    """By digest and by version alone the same state is found, with why and what to do."""
    files = await everything_happened(house)
    rows = {row.name: row for row in house.pypi.rows_since(0) if row.action == "remove release"}
    day = {name: f"{row.timestamp:%Y-%m-%d}" for name, row in rows.items()}
    held = "held by this mirror: it was deleted upstream soon after its upload"
    lost = "its bytes could not be had any more"
    instead = "move to 1.1, the newest live release before 2, or to 2.0, the newest of all"
    expected = {
        "live": ("upstream lists it", ""),
        "yanked": ("yanked upstream: leaks [31mmemory", f"it installs, but upstream advises against it: {instead}"),
        "kept": (
            f"deleted upstream {day['kept']} (serial {rows['kept'].serial}); kept by this mirror",
            f"it works through this mirror, and nowhere else; {instead}",
        ),
        "held": (
            f"{held}; it was deleted upstream on {day['held']} (serial {rows['held'].serial})",
            f"it is not served before the operator of this mirror has looked at it and releases it; {instead}",
        ),
        "blocked": (
            "blocked by this mirror: the operator of this mirror blocked it (it steals tokens)",
            f"do not install it; ask the operator of this mirror why; {instead}",
        ),
        "purged": (
            "purged by the operator of this mirror: it steals tokens",
            f"it will not come back here; {instead}",
        ),
        "lost": (
            f"{lost}; it was deleted upstream on {day['lost']} (serial {rows['lost'].serial})",
            f"whoever still has the file can give it back to this mirror with `everpin import`; {instead}",
        ),
    }

    by_digest = await checked(house, *(pin(files[state]) for state in expected))
    by_version = await checked(house, *(released(state, "1.0.0") for state in expected))

    assert {found.pin.project: (found.reason, found.advice) for found in by_digest} == expected
    assert [str(found.state) for found in by_digest] == list(expected)
    assert [(found.state, found.reason) for found in by_version] == [(f.state, f.reason) for f in by_digest]
    assert [found.filename for found in by_version] == [found.filename for found in by_digest]


async def test_other_bytes_of_a_known_version_are_replaced(house: House, pypi: PyPISim) -> None:
    """What is there instead is named; a file of the version that was never seen is told by its row."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    gone = pypi.upload("demo", "1.0", kind="sdist", uploaded_at=long_ago(pypi, days=400))
    await house.poll()
    (row,) = pypi.delete_file("demo", gone.filename)
    await house.poll()
    await house.page("demo")

    other, unseen, nameless = await checked(
        house,
        replace(pin(file), sha256=OTHER),
        pin(gone),
        replace(pin(file), filename="demo-1.0-1-py3-none-any.whl", sha256=None),
    )

    here = f"{file.filename} (live, sha256 {file.sha256[:12]}...)"
    assert (other.state, other.reason) == ("replaced", f"demo 1.0 is here, but not with that sha256: {here}")
    assert other.advice.startswith("do not give up the hash")
    assert unseen.state == "replaced"
    assert unseen.reason.endswith(
        f"the journal has it removed upstream on {row.timestamp:%Y-%m-%d} (serial {row.serial})"
    )
    assert (nameless.state, nameless.reason) == ("replaced", f"demo 1.0 is here without that file: {here}")


async def test_what_was_never_seen_is_unknown(house: House, pypi: PyPISim) -> None:
    """A project, a version or bytes; a digest that nobody named yet is not called another one."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    await house.page("demo")
    pypi.upload("gone", "1.0", uploaded_at=long_ago(pypi, days=400))
    await house.poll()
    (row,) = pypi.delete_release("gone", "1.0")
    await house.poll()

    project, version, nowhere, removed = await checked(
        house,
        released("nobody"),
        released("demo", "9"),
        replace(pin(file), version=None, sha256=OTHER),
        released("gone"),
    )

    assert {found.state for found in (project, version, nowhere, removed)} == {"unknown"}
    assert project.reason == "nobody was never seen by this mirror"
    assert "everpin keep nobody" in project.advice
    assert version.reason == "demo 9 was never seen by this mirror"
    assert version.advice.endswith("the newest live release is 1.0, which is older")
    assert nowhere.reason == "no file of demo with that sha256 was ever seen by this mirror"
    assert f"removed upstream on {row.timestamp:%Y-%m-%d} (serial {row.serial})" in removed.reason


async def test_without_a_digest_the_best_file_counts(house: House, pypi: PyPISim) -> None:
    """As an installer would choose; how the others stand is counted."""
    old = long_ago(pypi, days=400)
    wheel = pypi.upload("demo", "1.0", uploaded_at=old)
    pypi.upload("demo", "1.0", kind="sdist", uploaded_at=old)
    await house.poll()
    await kept_all(house, "demo")
    pypi.delete_file("demo", wheel.filename)
    await house.watch()

    whole, by_name, by_digest = await checked(house, released("demo"), replace(pin(wheel), sha256=None), pin(wheel))

    assert (whole.state, whole.reason) == ("live", "2 files: 1 live, 1 kept; upstream lists it")
    assert whole.filename is None
    assert (by_name.state, by_digest.state) == ("kept", "kept")
    assert by_digest.advice.endswith("other files of 1.0 are live, so locking anew may be enough")


async def test_the_same_bytes_under_another_version_are_not_what_is_pinned(house: House, pypi: PyPISim) -> None:
    """Unless they are forbidden: then they are so under every version."""
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, days=400))
    await house.page("demo")

    before = await one(house, replace(pin(file), version="2.0"))
    await order(house, Verb.BLOCK, f"sha256:{file.sha256}")
    after = await one(house, replace(pin(file), version="2.0"))

    assert (before.state, after.state) == ("replaced", "blocked")


async def test_what_would_be_refused_is_blocked_before_it_is_seen(house: House, pypi: PyPISim) -> None:
    """An operator's block, purged bytes, and a quarantine of a project that nobody asked for."""
    pypi.upload("evil", "1.0", uploaded_at=long_ago(pypi, days=400))
    (row,) = pypi.quarantine_project("evil")
    file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    await house.watch()
    await house.page("demo")
    await order(house, Verb.BLOCK, "unseen==1.0")
    await order(house, Verb.PURGE, "demo==1.0")

    evil, unseen, other, same_bytes = await checked(
        house,
        released("evil"),
        released("unseen", "1.0.0"),
        released("unseen", "2"),
        replace(pin(file), project=ProjectName("copy")),
    )

    assert (evil.state, unseen.state, other.state, same_bytes.state) == ("blocked", "blocked", "unknown", "purged")
    assert evil.reason == f"quarantined upstream since {row.timestamp:%Y-%m-%d} (serial {row.serial})"
    assert evil.advice.startswith("do not install it; where it was installed,")
    assert unseen.reason == "blocked by the operator of this mirror: it steals tokens"
    assert unseen.advice.startswith("do not install it; ask the operator of this mirror why")


async def test_malware_is_blocked_seen_or_not(pypi: PyPISim, osv: OsvSim, catalog: Catalog, tmp_path: Path) -> None:
    """With the number of the advisory, so that people can read it."""
    osv.publish("MAL-2026-1", "seen")
    osv.publish("MAL-2026-2", "unseen")
    file = pypi.upload("seen", "1.0", uploaded_at=long_ago(pypi, days=400))
    async with house_of(pypi, catalog, tmp_path, safety=Safety(osv_url=osv.url)) as house:
        await house.watch()
        await house.page("seen")

        seen, unseen = await checked(house, pin(file), released("unseen"))

    assert (seen.state, unseen.state) == ("blocked", "blocked")
    assert seen.reason == "blocked by this mirror: an advisory calls it malware (MAL-2026-1)"
    assert unseen.reason == "blocked by this mirror: an advisory calls it malware (MAL-2026-2)"


async def test_states_are_those_of_today(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> None:
    """What the clock has ended counts at once, though nobody wrote it down yet."""
    delay = timedelta(hours=24)
    async with house_of(pypi, catalog, tmp_path, safety=Safety(new_release_delay=delay)) as house:
        file = pypi.upload("demo", "1.0")
        await house.page("demo")

        young = await one(house, pin(file))
        pypi.advance(delay)
        old = await one(house, pin(file))

    assert (young.state, old.state) == ("held", "live")
    assert "waits a while before it serves new files" in young.reason
    assert young.advice.startswith(f"wait until {file.uploaded_at + delay:%Y-%m-%d %H:%M} UTC, or")


async def test_what_a_setting_holds_no_operator_is_asked_to_release(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """A release would not change it."""
    async with house_of(pypi, catalog, tmp_path, safety=Safety(serve_departed="never")) as house:
        file = pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
        await house.poll()
        await kept_all(house, "demo")
        pypi.delete_release("demo", "1.0")
        await house.poll()

        found = await one(house, pin(file))

    assert found.state == "held"
    assert found.advice.startswith("only the operator of this mirror can change that (safety.serve_departed)")


async def test_a_lock_of_many_pins_is_answered_in_order(house: House, pypi: PyPISim) -> None:
    """As many as make a thread judge them, of more projects than one statement reads."""
    files = [pypi.upload(f"demo-{number}", "1.0", uploaded_at=long_ago(pypi, days=400)) for number in range(3)]
    for file in files:
        await house.page(file.project)
    pins = [pin(file) for file in files] + [released(f"unseen-{number}") for number in range(400)]

    found = await checked(house, *pins)

    assert [finding.pin for finding in found] == pins
    assert [finding.state for finding in found] == ["live"] * 3 + ["unknown"] * 400


async def test_a_hostile_version_is_one_that_nobody_has_seen(house: House, pypi: PyPISim) -> None:
    """It reaches neither the database nor anybody's terminal."""
    pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=400))
    await house.page("demo")

    found = await checked(house, *(released("demo", v) for v in ("1\x00", "9" * 5000, "\ud800", "1.0 or so")))

    assert {finding.state for finding in found} == {"unknown"}
    assert all(finding.reason.isprintable() and len(finding.reason) <= 500 for finding in found)
