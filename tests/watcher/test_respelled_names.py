"""Projects are spelled as upstream spells them now."""

from tests.pypi_sim import PyPISim
from tests.watcher.houses import House


async def listed(house: House) -> list[object]:
    """The names in the list of projects."""
    headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
    async with house.http.get("/simple/", headers=headers) as answer:
        return [project["name"] for project in (await answer.json(content_type=None))["projects"]]


async def test_an_upload_that_spells_the_name_otherwise_is_followed(house: House, pypi: PyPISim) -> None:
    """In the list and in the JSON API; where the project is found does not change."""
    pypi.upload("Foo_Bar", "1.0")
    await house.poll()
    await house.page("foo-bar")
    before = await listed(house)
    pypi.upload("foo.bar", "1.1")
    await house.watch()
    await house.page("foo-bar")

    async with house.http.get("/pypi/foo-bar/json") as answer:
        told = await answer.json()
    assert (before, await listed(house), told["info"]["name"]) == (["Foo_Bar"], ["foo.bar"], "foo.bar")
