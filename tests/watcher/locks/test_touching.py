"""Which events touch a lock, and which pins are an index's business."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, EventDraft, EventFile, payload_of
from mirror.model import State
from mirror.names import ProjectName, Sha256
from watcher.locks import Pin
from watcher.locks.origins import of_index
from watcher.locks.touching import LockFilter

DEMO = ProjectName("demo")
WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"
A, B, C = (Sha256(letter * 64) for letter in "abc")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pin(version: str | None, filename: str | None = None, digest: Sha256 | None = None) -> Pin:
    """A pin of `demo`."""
    return Pin(DEMO, version, filename, digest, "uv.lock")


RELEASE, WHOLE, HASHED, BYTES = pin("1.0"), pin("1.0", WHEEL, A), pin("1.0", None, A), pin(None, None, A)


def event(
    kind: EventKind,
    version: str | None = None,
    *files: tuple[str, Sha256 | None],
    filename: str | None = None,
    project: str | None = "demo",
) -> Event:
    """An event about `demo`, with these files."""
    named = tuple(EventFile(name, digest, None, None, State.KEPT) for name, digest in files)
    about = None if project is None else ProjectName(project)
    draft = EventDraft(kind, about, version, None, None, NOW, None, files=named or None, filename=filename)
    return Event(Cursor(1, 1), draft.id, kind, about, version, NOW, payload_of(draft), "")


RELEASE_GONE = event(EventKind.RELEASE_DELETED, "1.0.0", (WHEEL, A), (SDIST, B))
OTHER_RELEASE_GONE = event(EventKind.RELEASE_DELETED, "2.0", ("demo-2.0.tar.gz", C))
UNKNOWN_RELEASE_GONE = event(EventKind.RELEASE_YANKED, "1")
WHEEL_GONE = event(EventKind.FILE_DELETED, "1.0", (WHEEL, A), filename=WHEEL)
SDIST_GONE = event(EventKind.FILE_DELETED, "1.0", (SDIST, B), filename=SDIST)
UNKNOWN_WHEEL_GONE = event(EventKind.FILE_DELETED, None, filename=WHEEL)
WHEEL_REPLACED = event(EventKind.FILE_REPLACED, "1.0", (WHEEL, C), filename=WHEEL)
WHEEL_BACK = event(EventKind.RESTORED, "1.0", (WHEEL, A), filename=WHEEL)
SOME_CALLED_MALWARE = event(EventKind.ADVISORY_BLOCKED, None, (SDIST, B), ("demo-3.0.tar.gz", C))
OTHERS_CALLED_MALWARE = event(EventKind.ADVISORY_BLOCKED, None, ("demo-3.0.tar.gz", C))
ALL = (RELEASE, WHOLE, HASHED, BYTES)


@pytest.mark.parametrize(
    ("told", "touched"),
    [
        (RELEASE_GONE, ALL),
        (UNKNOWN_RELEASE_GONE, ALL),
        (OTHER_RELEASE_GONE, ()),
        (WHEEL_GONE, ALL),
        (SDIST_GONE, (RELEASE,)),
        (UNKNOWN_WHEEL_GONE, ALL),
        (WHEEL_REPLACED, ALL),
        (WHEEL_BACK, ALL),
        (SOME_CALLED_MALWARE, (RELEASE, WHOLE, HASHED)),
        (OTHERS_CALLED_MALWARE, ()),
        (event(EventKind.DISAPPEARED, None, (WHEEL, A), (SDIST, B)), ALL),
        (event(EventKind.PROJECT_DELETED, None, ("demo-3.0.tar.gz", C)), ALL),
        (event(EventKind.PROJECT_QUARANTINED), ALL),
        (event(EventKind.PROJECT_REREGISTERED), ALL),
        (event(EventKind.PROJECT_STATUS_CHANGED), ALL),
        (event(EventKind.PROJECT_DELETED, project="other"), ()),
        (event(EventKind.GAP, project=None), ()),
        (event(EventKind.RESCUED, "1.0", (WHEEL, A), filename=WHEEL), ()),
        (replace(RELEASE_GONE, payload=None), ALL),
        (replace(OTHER_RELEASE_GONE, payload=None), (BYTES,)),
        (replace(SDIST_GONE, payload=None), ALL),
        (replace(SOME_CALLED_MALWARE, payload=None), ALL),
    ],
)
def test_an_event_touches_the_pins_that_it_is_about(told: Event, touched: tuple[Pin, ...]) -> None:
    """Each kind of pin. What does not say enough, as after a redaction, touches what it could be about."""
    assert tuple(one for one in ALL if LockFilter([one]).admits(told)) == touched
    assert LockFilter(ALL).admits(told) is bool(touched)


def test_a_lock_hears_of_its_projects_alone() -> None:
    """Whatever is read for it needs no others; bookkeeping it hears of where it is asked for."""
    pins = [*ALL, Pin(ProjectName("other"), "1", None, None, "uv.lock")]

    wanted = LockFilter(pins)
    for_rescues = LockFilter(pins, kinds=frozenset({EventKind.RESCUED}))

    assert wanted.projects == {"demo", "other"}
    assert not wanted.kinds & {EventKind.GAP, EventKind.RESCUED, EventKind.OPERATOR_ACT, EventKind.TAKEDOWN}
    assert for_rescues.admits(event(EventKind.RESCUED, "1.0", (WHEEL, A), filename=WHEEL))
    assert not for_rescues.admits(RELEASE_GONE)
    assert not LockFilter([]).admits(RELEASE_GONE)


def test_legacy_versions_are_compared_as_texts() -> None:
    """What PEP 440 does not know is the same only as itself."""
    wanted = LockFilter([pin("2004d")])

    assert wanted.admits(event(EventKind.RELEASE_DELETED, "2004D"))
    assert not wanted.admits(event(EventKind.RELEASE_DELETED, "2004e"))


def test_pins_of_other_indexes_are_left_out() -> None:
    """An index is known by its scheme, host and port, whatever its path; where none is named, it can be any."""
    urls = {
        "https://index.example.org:443/root/simple/": True,
        "http://index.example.org/simple/": False,
        "https://other.example.org/simple/": False,
        "http://127.0.0.1:8080/simple/": True,
        "https://[": False,
        None: True,
    }
    pins = [replace(RELEASE, index=url) for url in urls]

    kept, left_out = of_index(pins, ["https://index.example.org/simple/", "http://127.0.0.1:8080"])

    assert [one.index for one in kept] == [url for url, is_kept in urls.items() if is_kept]
    assert [(left.source, left.name, left.why) for left in left_out] == [
        ("uv.lock", "demo", f"comes from another index: {url}") for url, is_kept in urls.items() if not is_kept
    ]
