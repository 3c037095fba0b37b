"""Documents of the JSON API read as PyPI's own, as far as what they tell can be known here."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.index.json_api import (
    latest_of,
    read_metadata,
    release_of,
    releases_of,
    render_project,
    render_release,
)
from mirror.index.merge import Offer, offered
from mirror.model import Departure, DepartureCause, FileFacts, ListedFile, Memory, State
from mirror.names import Serial
from tests.mirror.index.index_examples import facts, listed_file, project
from tests.mirror.index.recorded_acts import FILES, answered, memory_of, recorded

ORIGIN = "https://mirror.example.org/prefix"
METADATA = """Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: {name} test project
Author: A. Test
Author-email: a.test@example.com
License: MIT

# {name}

A test project.
"""


def as_offered(*files: FileFacts, versions: tuple[str, ...] = ()) -> Offer:
    return offered(Memory(project(versions=versions), files))


def told(offer: Offer, version: str | None = None, metadata: str | None = None) -> dict[str, object]:
    """The document of a version, or of the project."""
    raw = read_metadata(metadata.encode()) if metadata is not None else None
    releases = releases_of(offer)
    release = latest_of(releases) if version is None else release_of(releases, version)
    assert release is not None
    if version is None:
        body = render_project(project(), releases, release, raw, offer=offer, origin=ORIGIN)
    else:
        body = render_release(project(), release, raw, offer=offer, origin=ORIGIN)
    document: dict[str, object] = json.loads(body)
    return document


def comparable(body: bytes) -> dict[str, object]:
    """A document without what only PyPI knows: owners, other digests than those of page and path, its own pages."""
    document: dict[str, object] = json.loads(body)
    document.pop("ownership", None)
    info = document["info"]
    assert isinstance(info, dict)
    for page in ("package_url", "project_url", "release_url"):
        assert info.pop(page)
    for file in _files_of(document):
        file["md5_digest"] = None
        file["digests"].pop("md5", None)
    return document


def _files_of(document: dict[str, object]) -> list[dict[str, Any]]:
    releases, urls = document.get("releases", {}), document["urls"]
    assert isinstance(releases, dict)
    assert isinstance(urls, list)
    return [*urls, *(file for files in releases.values() for file in files)]


def _pages_until(path: Path) -> list[Path]:
    """The pages that were recorded up to that act, the newest first."""
    until = path.parent.name
    return [page for page in reversed(answered("*/simple-detail.json.txt")) if page.parent.name <= until]


def _has_empty_release(path: Path) -> bool:
    """No page tells of those, so nobody here can know of them."""
    return not all(json.loads(recorded(path).body)["releases"].values())


DOCUMENTS = [path for path in answered("*/pypi-json.txt") if not _has_empty_release(path)]


def test_there_are_recorded_documents() -> None:
    """Of most acts."""
    assert len(DOCUMENTS) > 15


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_a_document_is_what_pypi_wrote(path: Path) -> None:
    """That of a project, and that of the release that speaks for it, but for what only PyPI knows."""
    theirs = recorded(path)
    project_of = theirs.path.split("/")[2]
    page = next(page for page in _pages_until(path) if recorded(page).path.split("/")[2] == project_of)
    memory = memory_of(page)
    name = json.loads(theirs.body)["info"]["name"]
    known = replace(memory.project, display_name=name)
    offer = offered(memory)
    releases = releases_of(offer)
    release = latest_of(releases)
    assert release is not None
    metadata = read_metadata(METADATA.format(name=name, version=release.version).encode())
    origin = "https://files.example.org"

    of_project = render_project(known, releases, release, metadata, offer=offer, origin=origin)
    of_release = render_release(known, release, metadata, offer=offer, origin=origin)

    expected = comparable(theirs.body.replace(FILES, f"{origin}/".encode()))
    assert comparable(of_project) == expected
    expected.pop("releases")
    assert comparable(of_release) == expected


def test_a_kept_file_is_yanked_with_the_reason() -> None:
    """As on the page: exact pins find it, and tools that show reasons say why."""
    departed = Departure(datetime(2026, 8, 10, tzinfo=UTC), Serial(17), DepartureCause.RELEASE)
    gone = replace(facts(listed_file(), State.KEPT), departed=departed, listed=False)
    offer = as_offered(gone, facts(listed_file("leftpad-0.9.tar.gz", "0.9")), versions=("0.9",))

    of_project, of_release = told(offer), told(offer, "1.0")

    reason = "deleted upstream 2026-08-10 (serial 17); kept by this mirror"
    (file,) = _files_of(of_release)
    assert (file["yanked"], file["yanked_reason"]) == (True, reason)
    assert (_info(of_release)["yanked"], _info(of_release)["yanked_reason"]) == (True, reason)
    assert _info(of_project)["version"] == "0.9"
    assert list(_releases(of_project)) == ["0.9", "1.0"]


@pytest.mark.parametrize("state", [State.HELD, State.BLOCKED, State.PURGED, State.LOST])
def test_what_is_withheld_is_never_listed(state: State) -> None:
    """Neither its files nor its version."""
    offer = as_offered(
        facts(listed_file(), state), facts(listed_file("leftpad-2.0.tar.gz", "2.0")), versions=("1.0", "2.0")
    )

    assert list(_releases(told(offer))) == ["2.0"]
    assert release_of(releases_of(offer), "1.0") is None


def test_a_quarantined_project_has_no_releases() -> None:
    """Whatever its files' states say."""
    offer = offered(Memory(project(versions=("1.0",), quarantined_by=5), (facts(listed_file()),)))

    assert latest_of(releases_of(offer)) is None


@pytest.mark.parametrize(
    ("versions", "yanked", "latest"),
    [
        (("1.0", "2.0", "10.0"), (), "10.0"),
        (("1.0", "2.0rc1"), (), "1.0"),
        (("1.0rc1", "1.0rc2", "1.0.dev1"), (), "1.0rc2"),
        (("1.0", "2.0"), ("2.0",), "1.0"),
        (("1.0", "2.0rc1"), ("1.0",), "2.0rc1"),
        (("1.0", "2.0"), ("1.0", "2.0"), "2.0"),
        (("1.0", "nonsense"), (), "1.0"),
        (("nonsense",), (), "nonsense"),
    ],
)
def test_the_release_that_speaks_is_the_one_that_pypi_chooses(
    versions: tuple[str, ...], yanked: tuple[str, ...], latest: str
) -> None:
    """Not yanked before stable before high."""
    files = [
        facts(listed_file(f"leftpad-{version}.tar.gz", version, yanked="bad" if version in yanked else None))
        for version in versions
    ]

    assert _info(told(as_offered(*files, versions=versions)))["version"] == latest


def test_a_version_is_found_in_every_spelling() -> None:
    """PEP 440: 1.0 is 1.0.0, and the document tells upstream's spelling."""
    offer = as_offered(facts(listed_file("leftpad-1.0.0.tar.gz", "1.0.0")), facts(listed_file()), versions=("1.0",))

    document = told(offer, "v1")

    assert _info(document)["version"] == "1.0"
    assert [file["filename"] for file in _files_of(document)] == ["leftpad-1.0.0.tar.gz", "leftpad-1.0.tar.gz"]


@pytest.mark.parametrize(
    ("filename", "kind", "python"),
    [
        ("leftpad-1.0-py2.py3-none-any.whl", "bdist_wheel", "py2.py3"),
        ("leftpad-1.0-1-cp312-abi3-win_amd64.whl", "bdist_wheel", "cp312"),
        ("leftpad-1.0.tar.gz", "sdist", "source"),
        ("leftpad-1.0.zip", "sdist", "source"),
        ("leftpad-1.0-py2.7.egg", "bdist_egg", "2.7"),
        ("leftpad-1.0.win32-py3.4.exe", "bdist_wininst", "3.4"),
        ("leftpad-1.0.win-amd64.msi", "bdist_msi", "any"),
    ],
)
def test_a_file_says_what_it_is(filename: str, kind: str, python: str) -> None:
    """By its name, since no page tells."""
    (file,) = _files_of(told(as_offered(facts(listed_file(filename))), "1.0"))

    assert (file["packagetype"], file["python_version"]) == (kind, python)


def test_digests_are_those_that_are_known() -> None:
    """PyPI's path spells blake2b; what the index said beside the sha256 is passed on, and nothing else is."""
    spelled = "ab" * 32
    url = f"https://files.example.org/packages/ab/ab/{'ab' * 30}/leftpad-1.0.tar.gz"
    ours, theirs = listed_file(), listed_file("leftpad-1.0.tar.gz", url=url, extra=b'{"hashes":{"md5":"0f","x":"y"}}')

    assert _digests(ours) == {"sha256": ours.sha256}
    assert _digests(theirs) == {"sha256": theirs.sha256, "blake2b_256": spelled, "md5": "0f"}


def test_metadata_speaks_for_the_release() -> None:
    """What resolvers ask for; of several keywords, platforms and addresses all."""
    metadata = (
        METADATA.format(name="LeftPad", version="1.0").partition("\n\n")[0]
        + "\nRequires-Dist: a>=1\nRequires-Dist: b; extra == 'x'\nProvides-Extra: x\nRequires-Python: >=3.9\n"
        "Keywords: pad,left\nPlatform: any\nProject-URL: Home, https://example.org/\nClassifier: Topic :: Text\n"
    )

    info = _info(told(as_offered(facts(listed_file())), "1.0", metadata))

    assert (info["name"], info["version"]) == ("LeftPad", "1.0")
    assert info["requires_dist"] == ["a>=1", "b; extra == 'x'"]
    assert (info["provides_extra"], info["requires_python"]) == (["x"], ">=3.9")
    assert (info["keywords"], info["platform"]) == ("pad,left", "any")
    assert (info["project_urls"], info["classifiers"]) == ({"Home": "https://example.org/"}, ["Topic :: Text"])


def test_without_metadata_nothing_is_claimed() -> None:
    """Null, which resolvers take as a reason to look into the files, and not as "no dependencies"."""
    info = _info(told(as_offered(facts(listed_file(requires_python=">=3.8"))), "1.0"))

    assert (info["requires_dist"], info["summary"], info["requires_python"]) == (None, None, ">=3.8")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"Name: x",
        b"Metadata-Version: 2.1\nName: \xff\nVersion: 1",
        b"Metadata-Version: 2.1\nName: x\nVersion: 1\n" + b"".join(b"A%d: x\n" % n for n in range(300)),
        b"Name: x\nVersion: 1\n" + b"Classifier: x\n" * 30_000,
        b"Name: x\nVersion: 1\n\n" + b"x" * (5 * 2**20),
    ],
)
def test_what_is_no_metadata_says_nothing(body: bytes) -> None:
    """Nor what would take long to read."""
    assert read_metadata(body) is None


def test_long_texts_inside_fields_are_read() -> None:
    """Whole licences are found there."""
    licence = "License: MIT\n" + "".join(f"        line {n}: of it\n" for n in range(1_000))

    raw = read_metadata(f"Metadata-Version: 2.1\nName: x\nVersion: 1\n{licence}\n".encode())

    assert raw is not None
    assert "line 999" in raw["license"]


@given(st.binary(max_size=500), st.lists(st.sampled_from([b"Name: x\n", b"Version: 1\n", b"Project-URL: a\n"])))
def test_reading_metadata_never_fails(body: bytes, before: list[bytes]) -> None:
    """And what was read can be told."""
    raw = read_metadata(b"".join(before) + body)

    assert raw is None or raw["name"]


def _info(document: dict[str, object]) -> dict[str, object]:
    info = document["info"]
    assert isinstance(info, dict)
    return info


def _releases(document: dict[str, object]) -> dict[str, object]:
    releases = document["releases"]
    assert isinstance(releases, dict)
    return releases


def _digests(file: ListedFile) -> dict[str, str]:
    (told_of,) = _files_of(told(as_offered(facts(file)), "1.0"))
    digests: dict[str, str] = told_of["digests"]
    return digests
