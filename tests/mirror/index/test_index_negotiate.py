"""Which representation a request gets, as PyPI answers it where PyPI has an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.index.negotiate import ContentType, accepts_gzip, choose, matches

JSON, HTML, V1_HTML = ContentType.V1_JSON, ContentType.HTML, ContentType.V1_HTML
PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
UV = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OLD_JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"

HEADERS = st.lists(
    st.sampled_from([*'",;=*/ \t', "q", "=0.5", "=1", "gzip", "text/html", "application/*", JSON.value, "W/", '"abc"'])
).map("".join) | st.text(alphabet=st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, HTML),
        ("", HTML),
        (" , ;q=1, nonsense, text/html;q=high", HTML),
        (PIP, JSON),
        (UV, JSON),
        (FIREFOX, HTML),
        (OLD_JAVA, HTML),
        ("*/*", HTML),
        ("application/*", V1_HTML),
        ("text/*", HTML),
        ("application/vnd.pypi.simple.v1+json", JSON),
        ("APPLICATION/VND.PyPI.Simple.V1+JSON", JSON),
        ("application/vnd.pypi.simple.v1+html", V1_HTML),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("application/vnd.pypi.simple.latest+json;q=0.5, text/html;q=0.4", JSON),
        ("application/vnd.pypi.simple.v2+json, application/vnd.pypi.simple.v1+json;q=0.9", JSON),
        ("text/html, application/vnd.pypi.simple.v1+json", HTML),
        ("*/*, application/vnd.pypi.simple.v1+html;q=0, text/html;q=0", JSON),
        ("*/*;q=0.1, application/vnd.pypi.simple.v1+json;q=0.2", JSON),
        ("application/*;q=0.9, text/html;q=0.5, application/vnd.pypi.simple.v1+html;q=0.1", JSON),
        ("text/html;charset=utf-8;q=0.3, application/vnd.pypi.simple.v1+json;q=0.200", HTML),
        ("image/png", None),
        ("application/json", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("application/vnd.pypi.simple.v1+json;q=0", None),
        ("*/*;q=0", None),
    ],
)
def test_the_best_offer_is_chosen(accept: str | None, chosen: ContentType | None) -> None:
    """By quality, then by specificity, then in PyPI's order; None where nothing is acceptable."""
    assert choose(accept) is chosen


def test_a_content_type_knows_its_header() -> None:
    """Only `text/html` carries a charset, as on PyPI."""
    assert [offer.header for offer in (HTML, V1_HTML, JSON)] == [
        "text/html; charset=UTF-8",
        "application/vnd.pypi.simple.v1+html",
        "application/vnd.pypi.simple.v1+json",
    ]
    assert [offer.is_json for offer in (HTML, V1_HTML, JSON)] == [False, False, True]


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("deflate;q=0.5, GZIP ; q=0.001", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("gzip;q=1, *;q=0", True),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_is_sent_only_to_those_who_said_so(accept_encoding: str | None, accepted: bool) -> None:
    """A quality of zero forbids it, a wildcard allows it."""
    assert accepts_gzip(accept_encoding) is accepted


@pytest.mark.parametrize(
    ("if_none_match", "matched"),
    [
        (None, False),
        ("", False),
        ('"abc"', True),
        ('W/"abc"', True),
        ("*", True),
        (" * ", True),
        ('"x", W/"abc"', True),
        ('"x","y"', False),
        ('"x,abc"', False),
        ('"ABC"', False),
        ("abc", False),
        ('"abc', False),
    ],
)
def test_a_client_that_names_the_etag_has_the_body(if_none_match: str | None, matched: bool) -> None:
    """Weak comparison, over a list too."""
    assert matches(if_none_match, '"abc"') is matched


@given(header=HEADERS)
def test_no_header_makes_negotiation_fail(header: str) -> None:
    """Clients send anything."""
    assert choose(header) in {*ContentType, None}
    assert accepts_gzip(header) in {True, False}
    assert matches(header, '"abc"') in {True, False}
