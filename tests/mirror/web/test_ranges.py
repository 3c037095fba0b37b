"""Which part of a body is meant: RFC 9110's own cases, and whatever anybody may write into the header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.web.ranges import Span, UnsatisfiableError, asked_span, if_match_holds, if_range_holds

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-499", Span(0, 500)),
        ("bytes=500-999", Span(500, 1000)),
        ("bytes=-500", Span(9500, 10000)),
        ("bytes=9500-", Span(9500, 10000)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=-1", Span(9999, 10000)),
        ("bytes=-10001", Span(0, 10000)),
        ("bytes=9999-20000", Span(9999, 10000)),
        (f"bytes=0-{'9' * 5000}", Span(0, 10000)),
        (f"bytes=-{'9' * 5000}", Span(0, 10000)),
        ("bytes=00000000000000000000007-8", Span(7, 9)),
        ("Bytes = 1-2", Span(1, 3)),
        ("bytes=,1-2 , ", Span(1, 3)),
    ],
)
def test_one_part_is_cut_out(header: str, span: Span) -> None:
    """The examples of section 14.1.2, and their neighbours."""
    assert asked_span(header, 10000) == span


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=1",
        "bytes=5-4",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=1_0-20",
        "bytes=\u0661-\u0662",
        "bytes=0-1,5-6",
        "bytes=0-0,-1",
        "items=0-5",
        "bytes 0-5",
    ],
)
def test_what_is_several_or_makes_no_sense_means_the_whole(header: str | None) -> None:
    """Section 14.2: a server may ignore the header, and must where it cannot read it."""
    assert asked_span(header, 10000) is None


@pytest.mark.parametrize("header", ["bytes=10000-", "bytes=10000-10001", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_what_lies_beyond_the_end_cannot_be_had(header: str) -> None:
    """That is not ignored."""
    with pytest.raises(UnsatisfiableError):
        asked_span(header, 10000)


def test_nothing_can_be_cut_out_of_an_empty_body() -> None:
    """Its tail is all of it."""
    assert asked_span("bytes=-5", 0) is None
    with pytest.raises(UnsatisfiableError):
        asked_span("bytes=0-", 0)


@given(
    header=st.one_of(
        st.text(),
        st.from_regex(r"bytes=[-0-9, \t]*", fullmatch=True),
        st.builds("bytes={}-{}".format, st.integers(), st.integers()),
    ),
    size=st.integers(0, 2**40),
)
def test_no_header_leads_out_of_the_body(header: str, size: int) -> None:
    """Whatever is written there: the whole, a part that is there, or a refusal."""
    try:
        span = asked_span(header, size)
    except UnsatisfiableError:
        return

    assert span is None or 0 <= span.start < span.stop <= size


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [
        (None, True),
        ('"abc"', True),
        (' "abc"', True),
        ('W/"abc"', False),
        ('"other"', False),
        ("Sat, 29 Oct 1994 19:43:31 GMT", False),
        ("", False),
    ],
)
def test_a_part_is_for_those_who_hold_the_rest_of_the_same(if_range: str | None, holds: bool) -> None:
    """Compared strongly (section 13.1.5); by a date nobody can know."""
    assert if_range_holds(if_range, ETAG) is holds


@pytest.mark.parametrize(
    ("if_match", "holds"),
    [(None, True), ("*", True), ('"abc"', True), ('"x", "abc"', True), ('W/"abc"', False), ('"x"', False)],
)
def test_who_insists_on_other_bytes_gets_none(if_match: str | None, holds: bool) -> None:
    """Section 13.1.1."""
    assert if_match_holds(if_match, ETAG) is holds
