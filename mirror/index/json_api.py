"""PyPI's JSON API, `/pypi/{project}/json` and `/pypi/{project}/{version}/json`, from what a project's page offers.

What nobody here knows is null, or left out where it is one of several. So without metadata `requires_dist` is null,
which tools take to mean that they must look into the files, and not that there is none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from itertools import takewhile

import msgspec
from packaging.metadata import RawMetadata, parse_email
from packaging.utils import canonicalize_name
from packaging.version import Version

from mirror.index.merge import Entry, Offer
from mirror.index.paths import digest_of_path
from mirror.index.render import core_metadata_of, timestamp
from mirror.model import ProjectFacts
from mirror.names import same_version_key

CONTENT_TYPE = "application/json"

_PACKAGE_TYPES = {".whl": "bdist_wheel", ".egg": "bdist_egg", ".exe": "bdist_wininst", ".msi": "bdist_msi"}
_HASHES = ("md5", "blake2b_256", "blake2b-256")
_ZERO = Version("0")
_LONGEST_METADATA = 4 * 2**20
_MOST_FIELDS = 20_000
# There are some thirty. For each distinct one the library goes through all.
_MOST_FIELD_NAMES = 200
# Whoever writes metadata chooses its bytes, and the standard library reads them as mail with all that can be in one.
_UNREADABLE = (ValueError, MessageError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
_encoder = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Release:
    """One version, in the spelling of the page, with the files of it that are offered."""

    version: str
    entries: tuple[Entry, ...]

    @property
    def is_yanked(self) -> bool:
        """PyPI knows yanks of whole releases; one that has a file which is not yanked is none here."""
        return bool(self.entries) and all(entry.file.yanked is not None for entry in self.entries)

    @property
    def metadata_source(self) -> Entry | None:
        """The file whose metadata speaks for the release: a wheel, since only these have any to themselves."""
        return next((entry for entry in self.entries if entry.file.core_metadata is not False), None)


def releases_of(offer: Offer) -> tuple[Release, ...]:
    """All releases that are offered, in the order of the page."""
    by_key: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in offer.entries:
        if entry.file.version is not None:
            by_key[same_version_key(entry.file.version)].append(entry)
    return tuple(Release(version, tuple(by_key[same_version_key(version)])) for version in offer.versions)


def latest_of(releases: Sequence[Release]) -> Release | None:
    """The release that speaks for the project, as PyPI chooses it: not yanked first, stable first, then the highest."""
    return max(releases, key=_rank, default=None)


def release_of(releases: Iterable[Release], version: str) -> Release | None:
    """The release of that version, however it is spelled (PEP 440)."""
    key = same_version_key(version)
    return next((release for release in releases if same_version_key(release.version) == key), None)


def read_metadata(body: bytes) -> RawMetadata | None:
    """A core metadata file, as far as it can be read; None for what is none, and for what would take long to read."""
    if not _is_quickly_read(body):
        return None
    try:
        raw, _ = parse_email(body)
        # What cannot be encoded here could not be told either.
        msgspec.json.encode(raw)
    except _UNREADABLE:
        return None
    return raw if raw.get("name") and raw.get("version") else None


def render_project(
    project: ProjectFacts,
    releases: Iterable[Release],
    release: Release,
    metadata: RawMetadata | None,
    *,
    offer: Offer,
    origin: str,
) -> bytes:
    """The document of a project; `release` is the one that speaks for it."""
    document = _document(project, release, metadata, offer=offer, origin=origin)
    document["releases"] = {each.version: [_file(entry, origin) for entry in each.entries] for each in releases}
    return _encoder.encode(document)


def render_release(
    project: ProjectFacts, release: Release, metadata: RawMetadata | None, *, offer: Offer, origin: str
) -> bytes:
    """The document of one release."""
    return _encoder.encode(_document(project, release, metadata, offer=offer, origin=origin))


def _is_quickly_read(body: bytes) -> bool:
    if len(body) > _LONGEST_METADATA:
        return False
    lines = takewhile(bool, body.splitlines())
    fields = [line for line in lines if not line.startswith((b" ", b"\t"))]
    return len(fields) <= _MOST_FIELDS and len({line.partition(b":")[0] for line in fields}) <= _MOST_FIELD_NAMES


def _rank(release: Release) -> tuple[bool, bool, bool, Version]:
    try:
        version = Version(release.version)
    except ValueError:
        return not release.is_yanked, False, False, _ZERO
    return not release.is_yanked, not version.is_prerelease, True, version


def _document(
    project: ProjectFacts, release: Release, metadata: RawMetadata | None, *, offer: Offer, origin: str
) -> dict[str, object]:
    return {
        "info": _info(project, release, metadata or {}, origin),
        "last_serial": offer.serial,
        "urls": [_file(entry, origin) for entry in release.entries],
        # What advisories say of a release is not known here; this list has its place because tools read it.
        "vulnerabilities": [],
    }


def _info(project: ProjectFacts, release: Release, raw: RawMetadata, origin: str) -> dict[str, object]:
    page = f"{origin}/simple/{project.name}/"
    return {
        "author": raw.get("author"),
        "author_email": raw.get("author_email"),
        "bugtrack_url": None,
        "classifiers": raw.get("classifiers", []),
        "description": raw.get("description"),
        "description_content_type": raw.get("description_content_type"),
        "docs_url": None,
        "download_url": raw.get("download_url"),
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": raw.get("dynamic") or None,
        "home_page": raw.get("home_page"),
        "keywords": ",".join(raw.get("keywords", [])) or None,
        "license": raw.get("license"),
        "license_expression": raw.get("license_expression"),
        "license_files": raw.get("license_files") or None,
        "maintainer": raw.get("maintainer"),
        "maintainer_email": raw.get("maintainer_email"),
        "name": _name(project, raw),
        "package_url": page,
        "platform": ",".join(raw.get("platforms", [])) or None,
        "project_url": page,
        "project_urls": raw.get("project_urls") or None,
        "provides_extra": raw.get("provides_extra") or None,
        "release_url": page,
        "requires_dist": raw.get("requires_dist") or None,
        "requires_python": raw.get("requires_python") or _requires_python(release),
        "summary": raw.get("summary"),
        "version": release.version,
        "yanked": release.is_yanked,
        "yanked_reason": _yanked_reason(release) if release.is_yanked else None,
    }


def _name(project: ProjectFacts, raw: RawMetadata) -> str:
    """As upstream spells it: as the journal does, where it told, else as the release does."""
    spelled = raw.get("name", "")
    is_told = project.display_name != project.name
    return project.display_name if is_told or canonicalize_name(spelled) != project.name else spelled


def _requires_python(release: Release) -> str | None:
    return next((entry.file.requires_python for entry in release.entries if entry.file.requires_python), None)


def _yanked_reason(release: Release) -> str | None:
    return next((entry.file.yanked for entry in release.entries if entry.file.yanked), None)


def _file(entry: Entry, origin: str) -> dict[str, object]:
    file = entry.file
    digests = _digests(entry)
    return {
        "comment_text": None,
        "core-metadata": core_metadata_of(entry),
        "digests": digests,
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": digests.get("md5"),
        "packagetype": _package_type(file.filename),
        "python_version": _python_version(file.filename),
        "requires_python": file.requires_python or None,
        "size": file.size,
        "upload_time": _seconds(file.upload_time) if file.upload_time is not None else None,
        "upload_time_iso_8601": timestamp(file.upload_time) if file.upload_time is not None else None,
        "url": f"{origin}/{entry.path}",
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }


def _digests(entry: Entry) -> dict[str, str]:
    """The sha256, what the index said beside it, and what its path spells where that is PyPI's layout."""
    file = entry.file
    digests: dict[str, str] = {"sha256": file.sha256} if file.sha256 is not None else {}
    spelled = digest_of_path(entry.path)
    if spelled is not None and spelled.hex() != file.sha256:
        digests["blake2b_256"] = spelled.hex()
    said = msgspec.json.decode(file.extra, type=_Extra).hashes if b'"hashes"' in file.extra else {}
    return digests | {name.replace("-", "_"): said[name] for name in _HASHES if isinstance(said.get(name), str)}


class _Extra(msgspec.Struct):
    hashes: dict[str, str] = {}


def _seconds(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _package_type(filename: str) -> str:
    return _PACKAGE_TYPES.get(filename[-4:].lower(), "sdist")


def _python_version(filename: str) -> str:
    """What PyPI has under this key: the first tag of a wheel's name, "source" for what every Python can build."""
    kind = _package_type(filename)
    if kind == "sdist":
        return "source"
    parts = filename[:-4].split("-")
    if kind == "bdist_wheel":
        return parts[-3] if len(parts) >= 5 else "py3"
    found = [part.removeprefix("py") for part in parts if part.startswith("py") and part[2:3].isdigit()]
    return found[-1] if found else "any"
