"""Renders the three feeds; they list creations only and know nothing of deletions."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from tests.pypi_sim.answers import CORS, Answer, Lifetime, not_found_html
from tests.pypi_sim.model import Project, Release
from tests.pypi_sim.pages import escaped
from tests.pypi_sim.warehouse import Warehouse

NEWEST_RELEASES = 100
NEWEST_PROJECTS = 40
RELEASES_OF_A_PROJECT = 40

_ALL_PROJECTS = Lifetime(keys=("all-projects",), max_age=86400, stale_while_revalidate=86400, stale_if_error=432000)


@dataclass(frozen=True, slots=True)
class _Item:
    title: str
    link: str
    description: str
    published: datetime
    with_guid: bool = False


def updates(warehouse: Warehouse, origin: str) -> Answer:
    """The newest releases of all projects, quarantined and yanked ones included."""
    found = [(release, project) for project in warehouse.projects.values() for release in project.releases.values()]
    found.sort(key=lambda pair: (pair[0].created, pair[0].number), reverse=True)
    items = [
        _Item(
            title=f"{project.name} {release.version}",
            link=f"{origin}/project/{project.canonical}/{release.version}/",
            description=release.summary,
            published=release.created,
        )
        for release, project in found[:NEWEST_RELEASES]
    ]
    title, about = "PyPI recent updates", "Recent updates to the Python Package Index"
    return _feed(title, f"{origin}/", about, items, _ALL_PROJECTS)


def packages(warehouse: Warehouse, origin: str) -> Answer:
    """The newest projects; those without a release are taken out after the limit was applied."""
    newest = sorted(warehouse.projects.values(), key=lambda project: (project.created, project.number), reverse=True)
    items = []
    for project in newest[:NEWEST_PROJECTS]:
        latest = project.latest_release()
        if latest is None:
            continue
        item = _Item(
            title=f"{project.name} added to PyPI",
            link=f"{origin}/project/{project.canonical}/",
            description=latest.summary,
            published=project.created,
            with_guid=True,
        )
        items.append(item)
    about = "Newest packages registered at the Python Package Index"
    return _feed("PyPI newest packages", f"{origin}/", about, items, _ALL_PROJECTS)


def releases(project: Project | None, origin: str) -> Answer:
    """The newest releases of one project."""
    if project is None:
        return not_found_html()
    newest: list[Release] = sorted(
        project.releases.values(), key=lambda release: (release.created, release.number), reverse=True
    )
    items = [
        _Item(
            title=release.version,
            link=f"{origin}/project/{project.canonical}/{release.version}/",
            description=release.summary,
            published=release.created,
        )
        for release in newest[:RELEASES_OF_A_PROJECT]
    ]
    lifetime = Lifetime(keys=(f"project/{project.canonical}",), max_age=86400, stale_if_error=432000)
    title = f"PyPI recent updates for {project.name}"
    about = f"Recent updates to the Python Package Index for {project.name}"
    return _feed(title, f"{origin}/project/{project.canonical}/", about, items, lifetime)


def _feed(title: str, link: str, about: str, items: list[_Item], lifetime: Lifetime) -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">\n  <channel>\n'
        f"    <title>{escaped(title)}</title>\n    <link>{link}</link>\n"
        f"    <description>{escaped(about)}</description>\n    <language>en</language>"
    )
    text += "".join(_rendered(item) for item in items) + "  </channel>\n</rss>"
    headers = (
        ("Content-Type", "text/xml; charset=UTF-8"),
        *CORS,
        *lifetime.headers(),
        ("Vary", "Accept-Encoding"),
    )
    return Answer(200, headers, text.encode(), lifetime)


def _rendered(item: _Item) -> str:
    guid = f"      <guid>{item.link}</guid>\n" if item.with_guid else ""
    return (
        f"    <item>\n      <title>{escaped(item.title)}</title>\n      <link>{item.link}</link>\n{guid}"
        f"      <description>{escaped(item.description)}</description>\n"
        "<author>a.test@example.com</author>"
        f"      <pubDate>{format_datetime(item.published, usegmt=True)}</pubDate>\n    </item>"
    )
