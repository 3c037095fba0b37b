"""Pages in memory stay within their bound, whoever asks under whatever name."""

from mirror import clock
from mirror.index.merge import Offer
from mirror.index.negotiate import ContentType
from mirror.index.render import rendered
from mirror.model import ProjectStatus
from mirror.names import ProjectName
from mirror.web.held import Held, HeldPages
from mirror.web.prebuilt import Ready, ready
from tests.mirror.index.index_examples import project

NAME = ProjectName("demo")
JSON = ContentType.V1_JSON


def page() -> Held:
    """A page without a rendering."""
    return Held(project(), Offer(status=ProjectStatus.ACTIVE, serial=None), clock.now())


def rendering(text: str, size: int = 1_000) -> Ready:
    """A rendering of about that size."""
    return ready(rendered(text.encode() * (size // len(text)), "text/plain"), None)


def test_renderings_are_told_apart_by_form_and_origin() -> None:
    """What was made for one address is not given to who asked under another."""
    pages, held = HeldPages(10**6), page()
    pages.put(NAME, held)
    one, other, plain = rendering("one"), rendering("other"), rendering("plain")

    pages.keep(NAME, held, one, JSON, "http://one")
    pages.keep(NAME, held, other, JSON, "http://other")
    pages.keep(NAME, held, plain, ContentType.HTML, None)

    assert held.rendering_of(JSON, "http://one") is one
    assert held.rendering_of(JSON, "http://other") is other
    assert held.rendering_of(ContentType.HTML, None) is plain
    assert held.rendering_of(JSON, None) is held.rendering_of(ContentType.HTML, "http://one") is None


def test_many_origins_do_not_fill_the_memory() -> None:
    """Of a form only the last few are kept, and the one without an origin; what they took is given back."""
    pages, held = HeldPages(10**6), page()
    pages.put(NAME, held)
    pages.keep(NAME, held, rendering("plain"), JSON, None)
    for number in range(4):
        pages.keep(NAME, held, rendering("origin"), JSON, f"http://{number}")
    full = pages.bytes

    for number in range(4, 100):
        pages.keep(NAME, held, rendering("origin"), JSON, f"http://{number}")

    assert pages.bytes == full
    assert held.rendering_of(JSON, None) is not None
    assert held.rendering_of(JSON, "http://99") is not None
    assert held.rendering_of(JSON, "http://4") is None


def test_those_not_asked_for_longest_go_first() -> None:
    """Within the bound, which what stands beside them makes smaller."""
    pages = HeldPages(20_000)
    for name in ("one", "two", "three"):
        pages.put(ProjectName(name), page())
    pages.used(ProjectName("one"))

    pages.leave_room(15_000)

    assert [name for name in ("one", "two", "three") if pages.find(ProjectName(name))] == ["one", "three"]
    assert pages.bytes <= 20_000
    pages.clear()
    assert pages.bytes == 15_000


def test_a_rendering_of_a_page_that_was_dropped_takes_no_room() -> None:
    """It was made for somebody who waits, and is gone with them."""
    pages, held = HeldPages(10**6), page()
    pages.put(NAME, held)
    pages.drop(NAME)

    pages.keep(NAME, held, rendering("late"), JSON, None)

    assert pages.bytes == 0
