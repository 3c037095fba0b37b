"""The cache before the index host lags as the public one is configured to."""

from datetime import timedelta

from tests.pypi_sim import PyPISim
from tests.pypi_sim_tests.client import Client

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


async def _read(http: Client, sim: PyPISim, path: str) -> tuple[int, str | None, str]:
    got = await http.get(sim.origin + path, headers=JSON)
    return got.status, got.headers.get("x-pypi-last-serial"), got.headers["x-cache"]


async def test_the_first_reader_after_a_change_gets_the_old_page(sim: PyPISim, http: Client) -> None:
    """A soft purge serves the stale copy once while the new one is fetched."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    assert await _read(http, sim, "/simple/foo/") == (200, "4", "MISS")

    sim.yank("foo", "1.0")

    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")
    assert await _read(http, sim, "/simple/foo/") == (200, "5", "HIT")


async def test_a_removed_project_is_shown_once_more_and_then_missing(sim: PyPISim, http: Client) -> None:
    """After the stale copy comes an uncached 404 without a serial."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/foo/")

    sim.delete_project("foo")

    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")
    assert await _read(http, sim, "/simple/foo/") == (404, None, "MISS")


async def test_a_lost_purge_leaves_the_old_page_for_a_day(sim: PyPISim, http: Client) -> None:
    """The page catches up when its time is over, with one last stale answer."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/foo/")
    sim.cdn.lose_purge("Foo")
    sim.yank("foo", "1.0")

    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT")
    sim.advance(timedelta(days=1, minutes=1))
    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")
    assert await _read(http, sim, "/simple/foo/") == (200, "5", "HIT")


async def test_held_purges_take_effect_when_delivered(sim: PyPISim, http: Client) -> None:
    """Until then the old page is fresh."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/foo/")
    sim.cdn.hold_purges()
    sim.yank("foo", "1.0")
    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT")

    sim.cdn.deliver_purges()

    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")
    assert await _read(http, sim, "/simple/foo/") == (200, "5", "HIT")


async def test_invitations_and_nuked_users_purge_nothing(sim: PyPISim, http: Client) -> None:
    """The journal has moved on; the page has not."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0", user="mallory")
    await _read(http, sim, "/simple/foo/")

    sim.invite("foo", "bob")
    sim.nuke_user("mallory")

    assert sim.last_serial == 6
    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT")


async def test_the_list_of_projects_is_never_purged(sim: PyPISim, http: Client) -> None:
    """It grows old for half an hour, whatever happens."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/")

    sim.upload("bar", "1.0")

    assert await _read(http, sim, "/simple/") == (200, "4", "HIT")
    sim.advance(timedelta(minutes=31))
    assert await _read(http, sim, "/simple/") == (200, "4", "HIT-STALE")
    assert await _read(http, sim, "/simple/") == (200, "8", "HIT")


async def test_variants_of_a_page_are_kept_apart(sim: PyPISim, http: Client) -> None:
    """HTML, compressed and plain JSON age on their own."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/foo/")
    sim.yank("foo", "1.0")

    page = f"{sim.index_url}foo/"
    html = await http.get(page)
    packed = await http.get(page, headers={**JSON, "Accept-Encoding": "gzip"})

    assert html.headers["x-pypi-last-serial"] == "5"
    assert packed.headers["x-pypi-last-serial"] == "5"
    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")


async def test_old_pages_stand_in_for_a_dead_origin_for_a_day(sim: PyPISim, http: Client) -> None:
    """Stale-if-error answers 200 for what was read before and 503 for the rest."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    await _read(http, sim, "/simple/foo/")
    sim.yank("foo", "1.0")

    sim.faults.origin_down = True

    assert await _read(http, sim, "/simple/foo/") == (200, "4", "HIT-STALE")
    assert (await http.get(f"{sim.index_url}bar/")).status == 503
    sim.advance(timedelta(days=1, minutes=1))
    assert (await http.get(f"{sim.index_url}foo/", headers=JSON)).status == 503


async def test_a_404_can_linger_for_a_minute(sim: PyPISim, http: Client) -> None:
    """With a time to live for missing pages, a new project is not seen at once."""
    sim.cdn.enabled = True
    sim.cdn.missing_ttl = timedelta(seconds=60)
    await _read(http, sim, "/simple/foo/")
    sim.upload("foo", "1.0")

    assert (await _read(http, sim, "/simple/foo/"))[0] == 404
    sim.advance(timedelta(seconds=61))
    assert (await _read(http, sim, "/simple/foo/"))[0] == 200


async def test_a_deleted_file_leaves_the_feeds_of_all_projects_as_they_are(sim: PyPISim, http: Client) -> None:
    """Its project's page is purged; what is kept about all projects is not, unlike after a deleted release."""
    sim.cdn.enabled = True
    sim.upload("foo", "1.0")
    file = sim.upload("foo", "1.0", kind="sdist")
    await _read(http, sim, "/simple/foo/")
    await _read(http, sim, "/rss/updates.xml")

    sim.delete_file("foo", file.filename)
    after_the_file = [(await _read(http, sim, path))[2] for path in ("/simple/foo/", "/rss/updates.xml")]
    sim.delete_release("foo", "1.0")
    after_the_release = (await _read(http, sim, "/rss/updates.xml"))[2]

    assert after_the_file == ["HIT-STALE", "HIT"]
    assert after_the_release == "HIT-STALE"
