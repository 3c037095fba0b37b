"""Memories for the tests of `mirror.index`, invented or as PyPI's own software once wrote them, and pages of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from mirror.index.merge import offered
from mirror.index.render import render_html, render_json
from mirror.model import FileFacts, ListedFile, Memory, ProjectFacts, ProjectStatus, State
from mirror.names import Serial, Sha256

RECORDED = Path(__file__).parent / "data"
RECORDED_HOST = b"http://127.0.0.1:18301/"
SEEN = datetime(2026, 1, 1, tzinfo=UTC)
BASE_URL = "https://mirror.example.org/prefix/simple/leftpad/"


def digest(seed: int) -> Sha256:
    return Sha256(f"{seed:064x}")


def listed_file(
    filename: str = "leftpad-1.0.tar.gz",
    version: str | None = "1.0",
    *,
    sha256: Sha256 | None = None,
    url: str = "https://files.example.org/leftpad.tar.gz",
    yanked: str | None = None,
    requires_python: str | None = None,
    core_metadata: Sha256 | bool = False,
    provenance: str | None = None,
    size: int | None = 10,
    upload_time: datetime | None = SEEN,
    extra: bytes = b"{}",
) -> ListedFile:
    """A file whose sha256 follows from its name unless another one is asked for."""
    return ListedFile(
        filename=filename,
        url=url,
        sha256=sha256 or digest(sum(filename.encode(errors="replace"))),
        version=version,
        size=size,
        upload_time=upload_time,
        yanked=yanked,
        requires_python=requires_python,
        core_metadata=core_metadata,
        provenance=provenance,
        extra=extra,
    )


def facts(file: ListedFile, state: State = State.LIVE) -> FileFacts:
    return FileFacts(
        id=None,
        incarnation=1,
        listed_file=file,
        first_seen_at=SEEN,
        first_seen_serial=None,
        state=state,
    )


def project(
    *,
    versions: tuple[str, ...] = (),
    status: ProjectStatus = ProjectStatus.ACTIVE,
    page_serial: int | None = 76,
    quarantined_by: int | None = None,
    closed_serial: int | None = None,
    extra: bytes = b"{}",
) -> ProjectFacts:
    return ProjectFacts(
        id=None,
        name=canonicalize_name("leftpad"),
        display_name="leftpad",
        known_since=SEEN,
        status=status,
        versions=versions,
        page_serial=None if page_serial is None else Serial(page_serial),
        quarantined_by=None if quarantined_by is None else Serial(quarantined_by),
        closed_serial=None if closed_serial is None else Serial(closed_serial),
        extra=extra,
    )


def recorded_memory(name: str) -> Memory:
    """What is remembered after the recorded JSON page of that name was the only thing ever seen of its project."""
    page = json.loads((RECORDED / f"{name}.json").read_bytes())
    status = ProjectStatus(page["project-status"]["status"])
    serial = Serial(page["meta"]["_last-serial"])
    remembered = ProjectFacts(
        id=None,
        name=canonicalize_name(page["name"]),
        display_name=page["name"],
        known_since=SEEN,
        status=status,
        quarantined_by=serial if status is ProjectStatus.QUARANTINED else None,
        page_serial=serial,
        versions=tuple(page["versions"]),
    )
    return Memory(remembered, tuple(_recorded_facts(entry) for entry in page["files"]))


def _recorded_facts(entry: dict[str, object]) -> FileFacts:
    match entry["core-metadata"]:
        case {"sha256": str(value)}:
            metadata: Sha256 | bool = Sha256(value)
        case other:
            metadata = bool(other)
    match entry["hashes"]:
        case {"sha256": str(value)}:
            sha256 = Sha256(value)
        case other:
            raise AssertionError(other)
    yanked = "" if entry["yanked"] is True else entry["yanked"] or None
    requires_python, size, provenance = entry["requires-python"], entry["size"], entry["provenance"]
    assert isinstance(yanked, str | None)
    assert isinstance(requires_python, str | None)
    assert isinstance(provenance, str | None)
    assert isinstance(size, int)
    filename = str(entry["filename"])
    file = ListedFile(
        filename=filename,
        url=str(entry["url"]),
        sha256=sha256,
        version=_version_in(filename),
        size=size,
        upload_time=datetime.fromisoformat(str(entry["upload-time"])),
        yanked=yanked,
        requires_python=requires_python,
        core_metadata=metadata,
        provenance=provenance,
    )
    return facts(file, State.LIVE if yanked is None else State.YANKED)


def _version_in(filename: str) -> str:
    parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
    return str(parse(filename)[1])


def pages_of(
    *files: FileFacts, of: ProjectFacts | None = None, origin: str | None = "https://mirror.example.org/prefix"
) -> tuple[bytes, bytes]:
    remembered = of or project()
    offer = offered(Memory(remembered, files))
    return render_json(offer, remembered, origin), render_html(offer, remembered, origin)
