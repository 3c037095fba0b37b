"""What project pages and the list of projects say in HTML: PEP 503 with the attributes of PEP 592, 629, 658/714, 740
and 792, read as hostile text by the same rules as JSON.

HTML knows neither sizes nor upload times nor versions; those are told by the filenames. Where an index answers in HTML
anything may be behind it, such as a page to log in with: a page without a single file is believed only where it says
that it is one of an index.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urljoin, urlsplit

from mirror.errors import UpstreamUnavailableError
from mirror.model import ListedFile, ProjectPage
from mirror.names import ProjectName, Serial, Sha256, project_name, sha256
from mirror.upstream.anchors import Anchor, Head, read_anchors
from mirror.upstream.entries import (
    ParsedPage,
    demand_reachable,
    demand_version,
    encoded,
    file_url,
    is_filename,
    project_status,
    provenance,
    serial_of_header,
)
from mirror.upstream.listing import MOST_PROJECTS, Listing
from mirror.upstream.versions import Versions, is_distribution

MOST_LINKS = 1_000_000
"""A project's page with more links is refused."""

_VERSION, _STATUS, _REASON = "repository-version", "project-status", "project-status-reason"
_DIGEST = re.compile(r"\A([a-z0-9_]{1,20})=([0-9A-Fa-f]{1,200})\Z")
_SAYS_LINKS = re.compile(r"\b(?:links for|simple index|index of)\b", re.IGNORECASE)


def parse_html_page(
    project: ProjectName, page_url: str, body: bytes, *, serial_header: str | None, etag: str | None
) -> ParsedPage:
    """The page of `project` that was read from `page_url`.

    Raises UpstreamUnavailableError where the body is no such page: an answer that cannot be believed.
    """
    anchors: list[Anchor] = []

    def found(anchor: Anchor) -> None:
        if len(anchors) >= MOST_LINKS:
            raise UpstreamUnavailableError(f"the page of {project} has more than {MOST_LINKS} links")
        anchors.append(anchor)

    head = read_anchors(body, found)
    demand_version(project, head.metas.get(_VERSION, "1.0"))
    serial = serial_of_header(head.serial) or serial_of_header(serial_header)
    demand_reachable(project, serial)
    base = _base(page_url, head)
    links = [(name, anchor) for anchor in anchors if (name := _filename(base, anchor.href)) is not None]
    if not links and not _is_of_an_index(head):
        raise UpstreamUnavailableError(
            f"the page of {project} neither lists a file nor says that it is one of an index"
        )
    files, versions = _files(project, base, links)
    page = ProjectPage(
        project=project,
        serial=serial,
        status=project_status(head.metas.get(_STATUS)),
        versions=versions,
        files=files,
        etag=etag,
        extra=_top_extra(head),
    )
    return ParsedPage(page, len(links) - len(files))


def parse_html_listing(body: bytes) -> Listing:
    """The list of all projects. Raises UpstreamUnavailableError where it cannot be believed."""
    serials: dict[ProjectName, Serial | None] = {}

    def found(anchor: Anchor) -> None:
        name = project_name(anchor.text.rstrip("/")) or project_name(_last_segment(anchor.href))
        if name is not None:
            serials[name] = None
        if len(serials) > MOST_PROJECTS:
            raise UpstreamUnavailableError(f"the list of projects has more than {MOST_PROJECTS} entries")

    head = read_anchors(body, found)
    if head.metas.get(_VERSION, "1.0").partition(".")[0] != "1":
        raise UpstreamUnavailableError("the list of projects has another major version of the API than 1")
    if not serials:
        raise UpstreamUnavailableError("the list of projects is empty")
    return Listing(serials)


def _base(page_url: str, head: Head) -> str:
    try:
        return page_url if head.base is None else urljoin(page_url, head.base.strip())
    except ValueError:
        return page_url


def _filename(base: str, href: str) -> str | None:
    """The name of the file that a link leads to; None where it leads to something else, as such pages' links may.

    PEP 503 has it in the link's text as well; installers take it from the address.
    """
    try:
        path = urlsplit(urljoin(base, href)).path
    except ValueError:
        return None
    name = unquote(path.rpartition("/")[2])
    return name if is_distribution(name) else None


def _is_of_an_index(head: Head) -> bool:
    return _VERSION in head.metas or any(map(_SAYS_LINKS.search, head.headings))


def _files(
    project: ProjectName, base: str, links: Iterable[tuple[str, Anchor]]
) -> tuple[tuple[ListedFile, ...], tuple[str, ...]]:
    """The usable entries, of each filename the first, and the versions that their names tell."""
    usable: dict[str, tuple[str, Anchor]] = {}
    for name, anchor in links:
        url = file_url(base, anchor.href)
        if url is not None and is_filename(name) and "\N{REPLACEMENT CHARACTER}" not in name:
            usable.setdefault(name, (url, anchor))
    plain = Versions(project, ())
    # What the plain names tell is what the versions of older kinds of files are looked for among.
    known = Versions(project, (version for name in usable if (version := plain.of(name)) is not None))
    files = [
        file
        for name, (url, anchor) in usable.items()
        if (file := _file(name, url, anchor, version=known.of(name))) is not None
    ]
    return tuple(files), tuple(dict.fromkeys(file.version for file in files if file.version is not None))


def _file(name: str, url: str, anchor: Anchor, *, version: str | None) -> ListedFile | None:
    attributes = anchor.attributes
    hashes = _hashes(anchor.href)
    digest = sha256(hashes["sha256"]) if "sha256" in hashes else None
    requires_python = attributes.get("data-requires-python") or None
    if not (requires_python or "").isprintable() or ("sha256" in hashes and digest is None):
        # A digest that cannot be one is a promise that nothing can keep.
        return None
    extra: dict[str, object] = {}
    if others := {kind: value for kind, value in hashes.items() if kind != "sha256"}:
        extra["hashes"] = others
    if (signed := attributes.get("data-gpg-sig")) in ("true", "false"):
        extra["gpg-sig"] = signed == "true"
    yanked = attributes.get("data-yanked")
    return ListedFile(
        filename=name,
        url=url,
        sha256=digest,
        version=version,
        size=None,
        upload_time=None,
        yanked=None if yanked is None else yanked.replace("\0", ""),
        requires_python=requires_python,
        core_metadata=_core_metadata(anchor),
        provenance=provenance(attributes.get("data-provenance")),
        extra=encoded(extra),
    )


def _hashes(href: str) -> dict[str, str]:
    """PEP 503: "a hash in the form of a URL fragment with the following syntax: #<hashname>=<hashvalue>"."""
    hashes: dict[str, str] = {}
    for part in href.partition("#")[2].split("&")[:8]:
        if (found := _DIGEST.match(part)) is not None:
            hashes.setdefault(found[1], found[2])
        elif part.startswith("sha256="):
            hashes.setdefault("sha256", "")
    return hashes


def _core_metadata(anchor: Anchor) -> Sha256 | bool:
    """PEP 658 and 714: "true", or a hash of the form `sha256=...`; the newer of the two names counts."""
    names = ("data-core-metadata", "data-dist-info-metadata")
    said = next((anchor.attributes[name] for name in names if name in anchor.attributes), None)
    if said is None or said.lower() == "false":
        return False
    kind, _, value = said.partition("=")
    return (sha256(value) if kind == "sha256" else None) or True


def _top_extra(head: Head) -> bytes:
    reason = head.metas.get(_REASON)
    return encoded({"project-status": {"reason": reason}} if reason is not None else {})


def _last_segment(href: str) -> str:
    return unquote(href.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2])
