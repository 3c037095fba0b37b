"""What upstream deletes is told once, as an event and in the feed, however often everpin looks again or starts anew."""

from typing import Any

import feedparser

from tests.journeys.processes import Everpin
from tests.pypi_sim import PyPISim
from tests.watcher.houses import long_ago


async def _several_polls(pypi: PyPISim) -> None:
    await pypi.until(pypi.count(kind="xmlrpc") + 3, kind="xmlrpc")


async def _atom(everpin: Everpin) -> list[tuple[str, str]]:
    """Id and title of each entry, read as a feed reader reads them."""
    document: Any = feedparser.parse((await everpin.get("/feed/deletions.atom")).body)
    assert not document.bozo
    return [(entry.id, entry.title) for entry in document.entries]


async def test_each_deletion_is_told_exactly_once(everpin: Everpin, pypi: PyPISim) -> None:
    """File, release and project are one event and one feed entry each, also after more polls and a restart."""
    for project in ("afile", "arelease", "aproject"):
        for version in ("1.0", "1.1"):
            file = pypi.upload(project, version, uploaded_at=long_ago(pypi, days=200))
        assert (await everpin.get(await everpin.file_url(project, file.filename))).body == file.content
    pypi.delete_file("afile", "afile-1.1-py3-none-any.whl")
    pypi.delete_release("arelease", "1.1")
    pypi.delete_project("aproject")
    await everpin.until_told("project.deleted", "aproject")
    # The project's older file was never asked for; it is fetched after the row was read, and told so.
    await everpin.until_told("rescued", "aproject")
    before = await everpin.told()
    entries = await _atom(everpin)

    await _several_polls(pypi)
    assert await everpin.stop() == 0
    await everpin.start()
    await _several_polls(pypi)

    assert [(told.kind, told.project, told.version) for told in before[-4:]] == [
        ("file.deleted", "afile", "1.1"),
        ("release.deleted", "arelease", "1.1"),
        ("project.deleted", "aproject", None),
        ("rescued", "aproject", "1.0"),
    ]
    assert await everpin.told() == before
    assert await _atom(everpin) == entries
    assert len({identity for identity, _ in entries}) == len(entries)
    about_these = [title for _, title in entries if any(f"a{what}" in title for what in ("file", "release", "project"))]
    assert len(about_these) == 3
