"""How tests read one page: an entry as indexes write it, and what is made of it."""

from packaging.utils import canonicalize_name

from mirror.model import ListedFile
from mirror.names import Sha256
from mirror.upstream.entries import ParsedPage
from mirror.upstream.page import parse_page
from tests.mirror.upstream.canned_upstream import page

LEFTPAD = canonicalize_name("leftpad")
PAGE_URL = "http://127.0.0.1:8000/simple/leftpad/"
DIGEST = Sha256("ab" * 32)


def entry(**given: object) -> dict[str, object]:
    known: dict[str, object] = {
        "filename": "leftpad-1.0-py3-none-any.whl",
        "url": "http://127.0.0.1:8000/packages/leftpad-1.0-py3-none-any.whl",
        "hashes": {"sha256": DIGEST},
    }
    return known | given


def read(body: bytes, *, serial_header: str | None = None, etag: str | None = None) -> ParsedPage:
    return parse_page(LEFTPAD, PAGE_URL, body, serial_header=serial_header, etag=etag)


def read_entry(**given: object) -> ListedFile:
    parsed = read(page(files=[entry(**given)]))
    assert parsed.dropped == 0
    return parsed.page.files[0]
