"""Pages as bytes, as PyPI writes them: the same keys, order, separators and attributes, so that PyPI's readers read us.

Links are relative, so that a page is true below any host and prefix. Only the addresses of provenance are absolute, as
PEP 740 wants them: these begin with `origin`, and without one there are none. What came from upstream is escaped.
Upstream's keys that are unknown here pass through, but for those that would promise what this mirror does not do.
Read first: PEP 503 and 691 (the two forms), PEP 714 (metadata), PEP 792 (status).
"""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec

from mirror.index.merge import Entry, Offer
from mirror.model import ProjectFacts
from mirror.names import Sha256

API_VERSION = "1.4"

_GZIP_LEVEL = 6
"""A page is compressed once and sent often; above 6 the gain is a percent or two."""

_EMPTY = b"{}"
_FILE_KEYS = frozenset(
    {
        "core-metadata",
        "data-dist-info-metadata",
        "filename",
        "hashes",
        "provenance",
        "requires-python",
        "size",
        "upload-time",
        "url",
        "yanked",
    }
)
# A second spelling of `core-metadata` would contradict ours, and detached signatures are not mirrored.
_NEVER_IN_FILES = _FILE_KEYS | {"dist-info-metadata", "gpg-sig"}
# PEP 708 was rejected; repeating its keys would point installers at indexes that nobody here vouches for.
_NEVER_IN_PAGES = frozenset({"files", "meta", "name", "project-status", "versions", "alternate-locations"})
_NEVER_IN_META = frozenset({"_last-serial", "api-version", "tracks"})

_Extra = dict[str, msgspec.Raw]
# Values are kept as they were written: numbers of any size and precision survive.
_extra_decoder = msgspec.json.Decoder(_Extra)
_encoder = msgspec.json.Encoder(order="sorted")
_HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page ready to be sent: both encodings, each with its own strong ETag (RFC 9110 section 8.8.3)."""

    body: bytes
    gzipped: bytes
    etag: str
    gzip_etag: str
    content_type: str


def rendered(body: bytes, content_type: str) -> Rendered:
    """Compresses a body and names both forms. The same body gives the same bytes and ETags in every process."""
    gzipped = gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0)
    return Rendered(
        body=body,
        gzipped=gzipped,
        etag=etag_of(body),
        gzip_etag=etag_of(gzipped),
        content_type=content_type,
    )


def etag_of(body: bytes) -> str:
    """A strong ETag, quotes included, of a body as it is sent."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def render_json(offer: Offer, project: ProjectFacts, origin: str | None = None) -> bytes:
    """The project page in the JSON form (PEP 691)."""
    extra = _extra_of(project.extra)
    meta: dict[str, object] = {"api-version": API_VERSION}
    if offer.serial is not None:
        meta["_last-serial"] = offer.serial
    _underlay(meta, _object_in(extra, "meta"), never=_NEVER_IN_META)
    status: dict[str, object] = {"status": offer.status.value}
    if offer.status is project.status:
        # What upstream says about its own status, such as a reason, is not said about another one.
        _underlay(status, _object_in(extra, "project-status"), never=frozenset({"status"}))
    page: dict[str, object] = {
        "files": [_json_file(entry, origin) for entry in offer.entries],
        "meta": meta,
        "name": project.name,
        "project-status": status,
        "versions": offer.versions,
    }
    _underlay(page, extra, never=_NEVER_IN_PAGES)
    return _encoder.encode(page) + b"\n"


def render_html(offer: Offer, project: ProjectFacts, origin: str | None = None) -> bytes:
    """The project page in the HTML form (PEP 503), which says what that form can say."""
    name, status = escaped(project.name), offer.status.value
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "  <head>",
        f'    <meta name="pypi:repository-version" content="{API_VERSION}">',
        f'<meta name="pypi:project-status" content="{status}">    <title>Links for {name}</title>',
        "  </head>",
        "  <body>",
        f"    <h1>Links for {name}</h1>",
        *(_html_file(entry, origin) for entry in offer.entries),
        "</body>",
        "</html>",
    ]
    if offer.serial is not None:
        lines.append(f"<!--SERIAL {int(offer.serial)}-->")
    return "\n".join(lines).encode()


def _json_file(entry: Entry, origin: str | None) -> dict[str, object]:
    file = entry.file
    metadata = core_metadata_of(entry)
    hashes: dict[str, object] = {"sha256": file.sha256} if file.sha256 is not None else {}
    listed: dict[str, object] = {
        "core-metadata": metadata,
        "data-dist-info-metadata": metadata,
        "filename": file.filename,
        "hashes": hashes,
        "provenance": _provenance(entry, origin),
        "requires-python": file.requires_python or None,
        "url": f"../../{entry.path}",
        # PEP 691: true, or the reason as a non-empty string.
        "yanked": False if file.yanked is None else (file.yanked or True),
    }
    # PEP 700 has no null for these two: what is not known is left out.
    if file.size is not None:
        listed["size"] = file.size
    if file.upload_time is not None:
        listed["upload-time"] = timestamp(file.upload_time)
    if file.extra != _EMPTY:
        extra = _extra_of(file.extra)
        _underlay(hashes, _object_in(extra, "hashes"), never=frozenset({"sha256"}))
        _underlay(listed, extra, never=_NEVER_IN_FILES)
    return listed


def core_metadata_of(entry: Entry) -> dict[str, Sha256] | bool:
    """What PEP 714 has an entry say of the metadata."""
    metadata = entry.file.core_metadata
    return {"sha256": metadata} if isinstance(metadata, str) else metadata


def timestamp(moment: datetime) -> str:
    """As PEP 700 writes it, and PyPI: in UTC, without microseconds where there are none."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _provenance(entry: Entry, origin: str | None) -> str | None:
    return f"{origin}/{entry.provenance}" if origin is not None and entry.provenance is not None else None


def _html_file(entry: Entry, origin: str | None) -> str:
    file = entry.file
    fragment = f"#sha256={escaped(file.sha256)}" if file.sha256 is not None else ""
    attributes = "".join(_html_attributes(entry, origin))
    return f'<a href="../../{escaped(entry.path)}{fragment}" {attributes}>{escaped(file.filename)}</a><br />'


def _html_attributes(entry: Entry, origin: str | None) -> Iterator[str]:
    """The spaces around them are where PyPI's template puts them."""
    file = entry.file
    if file.requires_python:
        yield f'data-requires-python="{escaped(file.requires_python)}" '
    if file.yanked is not None:
        yield f'data-yanked="{escaped(file.yanked)}" '
    if file.core_metadata is not False:
        value = "true" if file.core_metadata is True else f"sha256={escaped(file.core_metadata)}"
        yield f'data-dist-info-metadata="{value}" data-core-metadata="{value}"'
    if provenance := _provenance(entry, origin):
        yield f' data-provenance="{escaped(provenance)}"'


def escaped(text: str) -> str:
    """Text that is only text in HTML, also between quotes."""
    return text.translate(_HTML_ESCAPES)


def _extra_of(extra: bytes) -> _Extra:
    return {} if extra == _EMPTY else _extra_decoder.decode(extra)


def _object_in(extra: Mapping[str, msgspec.Raw], key: str) -> _Extra:
    """The object below a key; nothing where the key is missing or holds something else."""
    raw = bytes(extra.get(key, b"")).lstrip()
    return _extra_decoder.decode(raw) if raw.startswith(b"{") else {}


def _underlay(ours: dict[str, object], extra: Mapping[str, msgspec.Raw], *, never: frozenset[str]) -> None:
    for key, value in extra.items():
        if key not in never:
            ours.setdefault(key, value)
