"""Renders `/pypi/{project}/json`, `/pypi/{project}/{version}/json` and the provenance of files."""

from typing import Any

from packaging.utils import canonicalize_name, canonicalize_version

from tests.pypi_sim.answers import CORS, Answer, Lifetime, compact_json, not_found_json
from tests.pypi_sim.files import packagetype
from tests.pypi_sim.model import File, Project, Release
from tests.pypi_sim.pages import upload_time


def project_json(project: Project | None, *, files_url: str, origin: str) -> Answer:
    """The project with all its releases; 404 for a quarantined project and for one without releases."""
    if project is None or project.status == "quarantined":
        return not_found_json()
    latest = project.newest_release()
    if latest is None:
        return not_found_json()
    shown = [release for release in project.releases.values() if not release.quarantined]
    document = _document(project, latest, files_url, origin)
    document["releases"] = {release.version: _files(release, files_url) for release in shown}
    return _answer(project, document, "project-legacy-json")


def release_json(project: Project | None, version: str, *, files_url: str, origin: str) -> Answer:
    """One release; equal versions count as the same however they are written."""
    if project is None or project.status == "quarantined":
        return not_found_json()
    release = project.releases.get(canonicalize_version(version))
    if release is None or release.quarantined:
        return not_found_json()
    return _answer(project, _document(project, release, files_url, origin), "release-legacy-json")


def lifetime(canonical: str, template: str = "project-legacy-json") -> Lifetime:
    """How these documents and the redirects to them are cached."""
    keys = tuple(sorted(("all-legacy-json", template, f"project/{canonical}")))
    return Lifetime(keys=keys, max_age=86400, stale_while_revalidate=300, stale_if_error=86400)


def provenance(file: File, *, instead: bytes | None = None) -> Answer:
    """An attestation bundle of the right shape, whose signatures are made up; or something else instead."""
    statement = {"subject": [{"name": file.filename, "digest": {"sha256": file.sha256}}]}
    bundle = {
        "publisher": {"kind": "GitHub", "repository": f"example/{file.project}", "workflow": "release.yml"},
        "attestations": [{"version": 1, "envelope": {"statement": statement, "signature": "c2lnbmVk"}}],
    }
    body = compact_json({"version": 1, "attestation_bundles": [bundle]})
    headers = (("Content-Type", "application/vnd.pypi.integrity.v1+json"), *CORS)
    return Answer(200, headers, instead or body, lifetime(canonicalize_name(file.project)))


def _answer(project: Project, document: dict[str, Any], template: str) -> Answer:
    kept = lifetime(project.canonical, template)
    headers = (
        *CORS,
        ("X-PyPI-Last-Serial", str(project.last_serial)),
        ("Content-Type", "application/json"),
        ("Cache-Control", "max-age=900, public"),
        *kept.headers(),
        ("Vary", "Accept-Encoding"),
    )
    return Answer(200, headers, compact_json(document), kept)


def _document(project: Project, release: Release, files_url: str, origin: str) -> dict[str, Any]:
    roles = [{"role": role, "user": user} for user, role in project.roles.items()]
    return {
        "info": _info(project, release, origin),
        "last_serial": project.last_serial,
        "ownership": {"organization": None, "roles": roles},
        "urls": _files(release, files_url),
        "vulnerabilities": [],
    }


def _info(project: Project, release: Release, origin: str) -> dict[str, Any]:
    page = f"{origin}/project/{project.name}/"
    return {
        "author": "A. Test",
        "author_email": "a.test@example.com",
        "bugtrack_url": None,
        "classifiers": [],
        "description": f"# {release.name}\n\nA test project.\n",
        "description_content_type": None,
        "docs_url": None,
        "download_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": None,
        "home_page": None,
        "keywords": None,
        "license": "MIT",
        "license_expression": None,
        "license_files": None,
        "maintainer": None,
        "maintainer_email": None,
        "name": project.name,
        "package_url": page,
        "platform": None,
        "project_url": page,
        "project_urls": None,
        "provides_extra": None,
        "release_url": f"{page}{release.version}/",
        "requires_dist": list(release.requires) or None,
        "requires_python": release.requires_python,
        "summary": release.summary,
        "version": release.version,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason or None,
    }


def _files(release: Release, files_url: str) -> list[dict[str, Any]]:
    return [_file(release, file, files_url) for file in release.files_in_order()]


def _file(release: Release, file: File, files_url: str) -> dict[str, Any]:
    uploaded = upload_time(file)
    return {
        "comment_text": None,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "digests": {"blake2b_256": file.blake2b_256, "md5": file.md5, "sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": packagetype(file),
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": uploaded[:19],
        "upload_time_iso_8601": uploaded,
        "url": files_url + file.path,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason or None,
    }
