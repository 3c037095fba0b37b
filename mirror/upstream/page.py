"""What a project page says: PEP 691 JSON with the fields of PEP 592, 658/714, 700, 740 and 792, read as hostile text.

A page is believed as a whole or not at all; single entries that nobody could use or that mean harm are left out and
counted. Keys that are not known here survive in `extra`, since an index may learn new ones any day.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from packaging.utils import canonicalize_name

from mirror.errors import UpstreamUnavailableError
from mirror.model import ListedFile, ProjectPage
from mirror.names import ProjectName, Serial, Sha256, sha256
from mirror.upstream.entries import (
    ParsedPage,
    demand_reachable,
    demand_version,
    encoded,
    file_url,
    is_filename,
    moment,
    project_status,
    provenance,
    serial_of_header,
    told_serial,
)
from mirror.upstream.versions import Versions

_LARGEST_INTEGER = 2**63 - 1

_Natural = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_INTEGER)]
_Metadata = bool | dict[str, str] | None


class _Entry(msgspec.Struct, rename="kebab", frozen=True):
    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: _Natural | None = None
    upload_time: str | None = None
    yanked: bool | str | None = None
    requires_python: str | None = None
    provenance: str | None = None
    core_metadata: _Metadata = None
    # PEP 714: the name before `core-metadata`, of which PyPI and others made two spellings.
    data_dist_info_metadata: _Metadata = None
    dist_info_metadata: _Metadata = None


class _KnownEntry(_Entry, forbid_unknown_fields=True, frozen=True):
    """The quick way for entries without unknown keys, which most are."""


class _Meta(msgspec.Struct, rename={"api_version": "api-version", "last_serial": "_last-serial"}, frozen=True):
    api_version: str
    # PyPI writes a number; caching indexes in front of it have been seen to write the same digits as a string.
    last_serial: _Natural | str | None = None


class _Status(msgspec.Struct, frozen=True):
    status: str | None = None


class _Top(msgspec.Struct, rename="kebab", frozen=True):
    meta: msgspec.Raw
    name: str
    files: list[msgspec.Raw]
    versions: list[str] = []
    project_status: msgspec.Raw = msgspec.Raw(b"{}")


_Raws = dict[str, msgspec.Raw]
_top = msgspec.json.Decoder(_Top)
_entry = msgspec.json.Decoder(_Entry)
_known_entry = msgspec.json.Decoder(_KnownEntry)
_raws = msgspec.json.Decoder(_Raws)
_ENTRY_KEYS = frozenset(_Entry.__struct_encode_fields__)
_TOP_KEYS = frozenset(_Top.__struct_encode_fields__)
_META_KEYS = frozenset(_Meta.__struct_encode_fields__)
_STATUS_KEYS = frozenset(_Status.__struct_encode_fields__)

# msgspec raises the first for wrong types and syntax, the second for bad UTF-8 inside strings, the third for a tower of
# brackets.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse_page(
    project: ProjectName, page_url: str, body: bytes, *, serial_header: str | None, etag: str | None
) -> ParsedPage:
    """The page of `project` that was read from `page_url`.

    Raises UpstreamUnavailableError where the body is no such page: an answer that cannot be believed.
    """
    try:
        top = _top.decode(body)
        meta = msgspec.json.decode(top.meta, type=_Meta)
        status = msgspec.json.decode(top.project_status, type=_Status | None)
        serial = _serial_of_meta(meta) or serial_of_header(serial_header)
        extra = _top_extra(body, top, has_status=status is not None)
    except _UNREADABLE as e:
        raise UpstreamUnavailableError(f"the page of {project} is not what PEP 691 describes: {e}") from e
    demand_reachable(project, serial)
    demand_version(project, meta.api_version)
    if canonicalize_name(top.name) != project:
        raise UpstreamUnavailableError(f"the page that was asked for as {project} is that of another project")
    versions = tuple(version for version in top.versions if version.isprintable())
    files = _files(top.files, page_url, Versions(project, versions))
    page = ProjectPage(
        project=project,
        serial=serial,
        status=project_status(status.status if status else None),
        versions=versions,
        files=files,
        etag=etag,
        extra=extra,
    )
    return ParsedPage(page, len(top.files) - len(files))


def _serial_of_meta(meta: _Meta) -> Serial | None:
    return serial_of_header(meta.last_serial) if isinstance(meta.last_serial, str) else told_serial(meta.last_serial)


def _files(raws: Iterable[msgspec.Raw], page_url: str, versions: Versions) -> tuple[ListedFile, ...]:
    """The usable entries, of each filename the first."""
    files: dict[str, ListedFile] = {}
    for raw in raws:
        file = _file(raw, page_url, versions)
        if file is not None:
            files.setdefault(file.filename, file)
    return tuple(files.values())


def _file(raw: msgspec.Raw, page_url: str, versions: Versions) -> ListedFile | None:
    try:
        entry, extra = _decoded(raw)
    except _UNREADABLE:
        return None
    url = file_url(page_url, entry.url)
    if url is None or not is_filename(entry.filename) or not (entry.requires_python or "").isprintable():
        return None
    digest = sha256(entry.hashes["sha256"]) if "sha256" in entry.hashes else None
    if "sha256" in entry.hashes and digest is None:
        # A promise that nothing can keep: without it these bytes would be taken unseen.
        return None
    return ListedFile(
        filename=entry.filename,
        url=url,
        sha256=digest,
        version=versions.of(entry.filename),
        size=entry.size,
        upload_time=moment(entry.upload_time),
        yanked=_yanked(entry.yanked),
        requires_python=entry.requires_python,
        core_metadata=_core_metadata(entry),
        provenance=provenance(entry.provenance),
        extra=extra,
    )


def _decoded(raw: msgspec.Raw) -> tuple[_Entry, bytes]:
    try:
        entry: _Entry = _known_entry.decode(raw)
    except msgspec.ValidationError:
        entry = _entry.decode(raw)
        unknown = _without(_raws.decode(raw), _ENTRY_KEYS)
    else:
        unknown = {}
    if len(entry.hashes) > ("sha256" in entry.hashes):
        unknown["hashes"] = {name: value for name, value in entry.hashes.items() if name != "sha256"}
    return entry, encoded(unknown)


def _top_extra(body: bytes, top: _Top, *, has_status: bool) -> bytes:
    """What nobody here knows; that inside of known objects stands under their key."""
    extra = _without(_raws.decode(body), _TOP_KEYS)
    if meta := _without(_raws.decode(top.meta), _META_KEYS):
        extra["meta"] = meta
    if has_status and (status := _without(_raws.decode(top.project_status), _STATUS_KEYS)):
        extra["project-status"] = status
    return encoded(extra)


def _without(raws: Mapping[str, msgspec.Raw], known: frozenset[str]) -> dict[str, object]:
    # Decoded, not passed on raw: what cannot be decoded here could not be decoded where it is used either.
    return {key: msgspec.json.decode(raw) for key, raw in raws.items() if key not in known}


def _yanked(yanked: bool | str | None) -> str | None:
    """PEP 592 and 691: a boolean, or a string that "indicates that it has been yanked with that reason"."""
    if isinstance(yanked, str):
        return yanked.replace("\0", "")
    return "" if yanked else None


def _core_metadata(entry: _Entry) -> Sha256 | bool:
    spellings = (entry.core_metadata, entry.data_dist_info_metadata, entry.dist_info_metadata)
    said = next((value for value in spellings if value is not None), False)
    if isinstance(said, bool):
        return said
    return sha256(said.get("sha256", "")) or True
