"""What PyPI's own software answered after each act of a recorded history, and what is remembered after reading that."""

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from mirror.model import FileFacts, Memory, ProjectFacts, ProjectPage, ProjectStatus, State
from mirror.names import Serial
from mirror.upstream.page import parse_page
from tests.mirror.index.index_examples import SEEN

ACTS = Path(__file__).parents[2] / "captures" / "acts"
FILES = b"http://127.0.0.1:18301/"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer: the path that was asked for, the status, and the body."""

    path: str
    status: int
    body: bytes


def recorded(path: Path) -> Recorded:
    """Reads one exchange."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    lines = head.decode().splitlines()
    answer = next(line for line in lines if line.startswith("HTTP/"))
    return Recorded(lines[0].split()[2], int(answer.split()[1]), body)


def answered(pattern: str) -> list[Path]:
    """The recorded exchanges of that name in which there was something to see, in order."""
    return [path for path in sorted(ACTS.glob(pattern)) if recorded(path).status == 200]


def memory_of(path: Path) -> Memory:
    """What is remembered after that project page, read as pages are, was the only thing ever seen of its project."""
    exchange = recorded(path)
    name = canonicalize_name(exchange.path.split("/")[2])
    url = f"http://127.0.0.1:18300{exchange.path}"
    page = parse_page(name, url, exchange.body, serial_header=None, etag=None).page
    return Memory(_project(page), tuple(_file(page, place) for place in range(len(page.files))))


def _project(page: ProjectPage) -> ProjectFacts:
    is_quarantined = page.status is ProjectStatus.QUARANTINED
    return ProjectFacts(
        id=None,
        name=page.project,
        display_name=page.project,
        known_since=SEEN,
        status=page.status,
        quarantined_by=Serial(0) if is_quarantined else None,
        page_serial=page.serial,
        versions=page.versions,
        extra=page.extra,
    )


def _file(page: ProjectPage, place: int) -> FileFacts:
    listed = page.files[place]
    return FileFacts(
        id=None,
        incarnation=1,
        listed_file=listed,
        first_seen_at=SEEN,
        first_seen_serial=page.serial,
        state=State.LIVE if listed.yanked is None else State.YANKED,
    )
