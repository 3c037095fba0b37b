"""The history that was recorded from PyPI's own software, told again to the simulator.

Every act happens at the time its rows carry in the record, so that times compare exactly.
"""

import csv
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.pypi_sim import PyPISim, RefusedError, Row

CAPTURES = Path(__file__).parent.parent / "captures"

Act = Callable[[PyPISim], object]


def recorded_rows() -> list[Row]:
    """The whole journal of the record."""
    with (CAPTURES / "journal.tsv").open(encoding="utf-8") as lines:
        return [
            Row(
                name=row["name"],
                version=row["version"] or None,
                timestamp=datetime.fromisoformat(row["time"]).replace(tzinfo=UTC),
                action=row["action"],
                serial=int(row["serial"]),
            )
            for row in csv.DictReader(lines, delimiter="\t")
        ]


_TIMES = {row.serial: row.timestamp for row in recorded_rows()}


def _up(serial: int, project: str, version: str, **options: Any) -> Act:
    return lambda sim: sim.upload(project, version, uploaded_at=_TIMES[serial], **options)


def _at(serial: int, act: Act) -> Act:
    def timed(sim: PyPISim) -> None:
        sim.clock.freeze(_TIMES[serial])
        act(sim)

    return timed


def _refused(act: Act) -> Act:
    def tried(sim: PyPISim) -> None:
        before = sim.last_serial
        with suppress(RefusedError):
            act(sim)
            raise AssertionError("upstream refused this")
        assert sim.last_serial == before

    return tried


def _both(first: int, second: int, project: str, version: str, **options: Any) -> list[Act]:
    return [
        _up(first, project, version, **options),
        _up(second, project, version, kind="sdist", **options),
    ]


BEFORE: list[Act] = [
    *_both(3, 5, "leftpad", "1.0"),
    _up(6, "leftpad", "1.1"),
    _up(8, "leftpad", "1.1", filename="leftpad-1.1-cp311-cp311-manylinux_2_17_x86_64.whl"),
    _up(9, "leftpad", "1.1", kind="sdist"),
    *_both(10, 12, "leftpad", "1.2", requires_python=">=3.8"),
    *_both(13, 17, "zeta", "0.1"),
    *_both(18, 20, "zeta", "0.2"),
    *_both(21, 25, "Solo.Project", "1.0"),
    *_both(26, 30, "evil", "6.6.6", user="mallory"),
    *_both(31, 35, "evil2", "6.6.7", user="mallory"),
]

_WIN312 = "leftpad-1.3-cp312-cp312-win_amd64.whl"
_WIN313 = "leftpad-1.1-cp313-cp313-win_amd64.whl"

ACTS: dict[str, list[Act]] = {
    "01-new-project-first-upload": _both(36, 40, "Fresh_One", "0.1"),
    "02-second-release": _both(41, 43, "leftpad", "1.3"),
    "03-second-file-of-release": [_up(44, "leftpad", "1.3", filename=_WIN312)],
    "04-upload-respells-name": _both(45, 47, "fresh-one", "0.2"),
    "05-yank-with-reason": [_at(48, lambda sim: sim.yank("leftpad", "1.1", 'broken <wheel> & "bad"'))],
    "06-yank-no-reason": [_at(49, lambda sim: sim.yank("leftpad", "1.0"))],
    "07-yank-again-new-reason": [_at(50, lambda sim: sim.yank("leftpad", "1.1", "another reason"))],
    "08-unyank": [_at(51, lambda sim: sim.unyank("leftpad", "1.0"))],
    "09-upload-to-yanked-release": [_up(52, "leftpad", "1.1", filename=_WIN313)],
    "10-delete-file-of-many": [_at(53, lambda sim: sim.delete_file("leftpad", _WIN312))],
    "11-reupload-deleted-filename": [
        _refused(lambda sim: sim.upload("leftpad", "1.3", filename=_WIN312, payload_size=9))
    ],
    "12-reupload-deleted-same-content": [
        _refused(lambda sim: sim.upload("leftpad", "1.3", filename=_WIN312)),
    ],
    "13-delete-release": [_at(54, lambda sim: sim.delete_release("leftpad", "1.2"))],
    "14-reupload-deleted-version-newbuild": [_up(55, "leftpad", "1.2", build_tag="1")],
    "15-delete-first-of-two-files": [_at(57, lambda sim: sim.delete_file("zeta", "zeta-0.2.tar.gz"))],
    "16-delete-last-file-of-release": [_at(58, lambda sim: sim.delete_file("zeta", "zeta-0.2-py3-none-any.whl"))],
    "17-delete-release-without-files": [_at(59, lambda sim: sim.delete_release("zeta", "0.2"))],
    "18-delete-last-release": [_at(60, lambda sim: sim.delete_release("zeta", "0.1"))],
    "19-delete-project-without-releases": [_at(61, lambda sim: sim.delete_project("zeta"))],
    "20-archive": [lambda sim: sim.archive("leftpad")],
    "21-upload-to-archived": [_refused(lambda sim: sim.upload("leftpad", "1.9"))],
    "22-unarchive": [lambda sim: sim.unarchive("leftpad")],
    "23-delete-project": [_at(62, lambda sim: sim.delete_project("Solo.Project"))],
    "24-recreate-project-same-version": [_refused(lambda sim: sim.upload("solo-project", "1.0", user="mallory"))],
    "25-recreate-project-new-version": _both(65, 69, "solo-project", "1.0.1", user="mallory"),
    "26-quarantine-release": [_at(70, lambda sim: sim.quarantine_release("leftpad", "1.3"))],
    "27-unquarantine-release": [_at(71, lambda sim: sim.clear_release_quarantine("leftpad", "1.3"))],
    "28-quarantine-project": [_at(72, lambda sim: sim.quarantine_project("evil"))],
    "29-unquarantine-project": [_at(73, lambda sim: sim.clear_project_quarantine("evil"))],
    "30-remove-malware": [_at(74, lambda sim: sim.remove_malware("evil"))],
    "31-reupload-prohibited-name": [_refused(lambda sim: sim.upload("evil", "6.6.8"))],
    "32-admin-delete-release": [_at(75, lambda sim: sim.admin_delete_release("leftpad", "1.0"))],
    "33-invite-owner": [_at(76, lambda sim: sim.invite("leftpad", "bob"))],
    "34-nuke-user": [_at(77, lambda sim: sim.nuke_user("mallory"))],
    "35-admin-delete-project": [_at(79, lambda sim: sim.admin_delete_project("fresh-one"))],
}


def replay(sim: PyPISim, *, through: str | None = None) -> None:
    """Repeat the record up to and with the act named `through`; all of it by default.

    The cached `list_packages_with_serial` is read after each act, as the recorder did.
    """
    for act in BEFORE:
        act(sim)
    sim.packages_with_serials()
    for name, steps in ACTS.items():
        for act in steps:
            act(sim)
        sim.packages_with_serials()
        if name == through:
            return
