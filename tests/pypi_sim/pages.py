"""Renders the simple index (PEP 503, 691, 700, 714, 740, 792) byte for byte as upstream does."""

from typing import Any

from packaging.utils import canonicalize_name

from tests.pypi_sim.answers import CORS, Answer, Lifetime, compact_json
from tests.pypi_sim.model import File, Project
from tests.pypi_sim.negotiate import SIMPLE_JSON, TEXT_HTML
from tests.pypi_sim.warehouse import Warehouse

API_VERSION = "1.4"

_HEAD = f"""\
<!DOCTYPE html>
<html lang="en">
  <head>
    <meta name="pypi:repository-version" content="{API_VERSION}">
"""


def simple_list(warehouse: Warehouse, media_type: str, *, with_serials: bool = True) -> Answer:
    """`/simple/`: every project but the quarantined ones, by normalized name."""
    listed = [project for _, project in sorted(warehouse.projects.items()) if project.status != "quarantined"]
    if media_type == SIMPLE_JSON:
        body = _list_json(listed, warehouse.journal.last_serial, with_serials=with_serials)
    else:
        body = _list_html(listed)
    lifetime = Lifetime(
        keys=("all-html", "warehouse:templates/api/simple/index.html"),
        max_age=1800 if media_type == SIMPLE_JSON else 86400,
        stale_while_revalidate=300,
        stale_if_error=86400,
    )
    return _answer(body, media_type, warehouse.journal.last_serial, lifetime, with_serials=with_serials)


def simple_page(project: Project, media_type: str, *, files_url: str, origin: str, with_serials: bool = True) -> Answer:
    """`/simple/{project}/`: what is visible of a project."""
    if media_type == SIMPLE_JSON:
        body = _page_json(project, files_url, origin, with_serials=with_serials)
    else:
        body = _page_html(project, files_url, origin, with_serials=with_serials)
    lifetime = page_lifetime(project.canonical)
    return _answer(body, media_type, project.last_serial, lifetime, with_serials=with_serials)


def page_lifetime(canonical: str) -> Lifetime:
    """How project pages and the redirects to them are cached."""
    return Lifetime(
        keys=("all-html", f"project/{canonical}", "warehouse:templates/api/simple/detail.html"),
        max_age=86400,
        stale_while_revalidate=300,
        stale_if_error=86400,
    )


def provenance_url(file: File, *, origin: str) -> str | None:
    """Where the attestations of a file are (PEP 740), if it has any."""
    if not file.provenance:
        return None
    return f"{origin}/integrity/{canonicalize_name(file.project)}/{file.version}/{file.filename}/provenance"


def _answer(body: bytes, media_type: str, serial: int, lifetime: Lifetime, *, with_serials: bool) -> Answer:
    content_type = "text/html; charset=UTF-8" if media_type == TEXT_HTML else media_type
    headers = (
        ("Content-Type", content_type),
        *CORS,
        ("X-PyPI-Last-Serial", str(serial)),
        ("Cache-Control", "max-age=600, public"),
        *lifetime.headers(),
        ("Vary", "Accept, Accept-Encoding"),
    )
    answer = Answer(200, headers, body, lifetime)
    return answer if with_serials else answer.without_serial()


def _meta(serial: int, *, with_serials: bool) -> dict[str, Any]:
    return {"_last-serial": serial, "api-version": API_VERSION} if with_serials else {"api-version": API_VERSION}


def _list_json(listed: list[Project], serial: int, *, with_serials: bool) -> bytes:
    projects: list[dict[str, Any]] = [
        {"_last-serial": project.last_serial, "name": project.name} if with_serials else {"name": project.name}
        for project in listed
    ]
    return compact_json({"meta": _meta(serial, with_serials=with_serials), "projects": projects})


def _list_html(listed: list[Project]) -> bytes:
    links = "".join(f'<a href="/simple/{project.canonical}/">{project.name}</a>\n' for project in listed)
    text = f"{_HEAD}    <title>Simple index</title>\n  </head>\n  <body>\n{links}</body>\n</html>\n"
    return text.removesuffix("\n").encode()


def _yanked(project: Project, file: File) -> bool | str:
    for release in project.releases.values():
        if file.filename in release.files:
            return (release.yanked_reason or True) if release.yanked else False
    return False


def _page_json(project: Project, files_url: str, origin: str, *, with_serials: bool) -> bytes:
    files = [
        _entry(file, _yanked(project, file), files_url=files_url, origin=origin) for file in project.visible_files()
    ]
    return compact_json(
        {
            "files": files,
            "meta": _meta(project.last_serial, with_serials=with_serials),
            "name": project.canonical,
            "project-status": {"status": project.status},
            "versions": project.visible_versions(),
        }
    )


def _entry(file: File, yanked: bool | str, *, files_url: str, origin: str) -> dict[str, Any]:
    core = {"sha256": file.metadata_sha256} if file.metadata_sha256 else False
    return {
        "core-metadata": core,
        "data-dist-info-metadata": core,
        "filename": file.filename,
        "hashes": {"sha256": file.sha256},
        "provenance": provenance_url(file, origin=origin),
        "requires-python": file.requires_python,
        "size": file.size,
        "upload-time": upload_time(file),
        "url": files_url + file.path,
        "yanked": yanked,
    }


def upload_time(file: File) -> str:
    """ISO 8601 with a Z; whole seconds lose their fraction."""
    return file.uploaded_at.replace(tzinfo=None).isoformat() + "Z"


def _page_html(project: Project, files_url: str, origin: str, *, with_serials: bool) -> bytes:
    title = f"Links for {project.canonical}"
    links = "".join(
        _link(file, _yanked(project, file), files_url=files_url, origin=origin) + "\n"
        for file in project.visible_files()
    )
    serial = f"\n<!--SERIAL {project.last_serial}-->" if with_serials else ""
    text = (
        f'{_HEAD}<meta name="pypi:project-status" content="{project.status}">    <title>{title}</title>\n'
        f"  </head>\n  <body>\n    <h1>{title}</h1>\n{links}</body>\n</html>{serial}"
    )
    return text.encode()


def _link(file: File, yanked: bool | str, *, files_url: str, origin: str) -> str:
    attributes = ""
    if file.requires_python is not None:
        attributes += f'data-requires-python="{escaped(file.requires_python)}" '
    if yanked is not False:
        attributes += f'data-yanked="{escaped(yanked) if isinstance(yanked, str) else ""}" '
    if file.metadata_sha256 is not None:
        digest = f"sha256={file.metadata_sha256}"
        attributes += f'data-dist-info-metadata="{digest}" data-core-metadata="{digest}"'
    provenance = provenance_url(file, origin=origin)
    if provenance is not None:
        attributes += f' data-provenance="{escaped(provenance)}"'
    href = f"{files_url}{file.path}#sha256={file.sha256}"
    return f'<a href="{href}" {attributes}>{file.filename}</a><br />'


def escaped(text: str) -> str:
    """Text made safe for HTML and XML with the same entities as upstream's templates."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text
