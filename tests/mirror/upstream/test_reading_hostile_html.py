"""Reading project pages in HTML that mean harm, or nothing; and what a library for honest ones makes of them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from pypi_simple import RepositoryPage

from mirror.errors import UpstreamUnavailableError
from mirror.model import ListedFile
from mirror.upstream import anchors
from mirror.upstream.html_page import parse_html_listing, parse_html_page
from tests.mirror.upstream.html_pages import WHEEL, html, link, read
from tests.mirror.upstream.readings import DIGEST, LEFTPAD, PAGE_URL


@pytest.mark.parametrize(
    "bad",
    [
        link(href=f"/f/{WHEEL}#sha256=short"),
        link(href=f"/f/{WHEEL}#sha256="),
        link(href=f"ftp://files.example.org/{WHEEL}"),
        link(href=f"http://user@files.example.org/{WHEEL}"),
        link(href=f"file:///{WHEEL}"),
        link(href=f"/f/..%2F{WHEEL}"),
        link(href=f"/f/%00{WHEEL}"),
        link(href=f"/f/%FF{WHEEL}"),
        link(href=f"/f/a%0Ab{WHEEL}"),
        link(href=f"/f/{'a' * 256}.whl"),
        link(href=f"/{'f' * 2000}/{WHEEL}"),
        link(data_requires_python=">=3\x1b[2J"),
        f'<a href="/f/&#8238;{WHEEL}">x</a>',
        f'<a href="/f/{WHEEL}#sha256=short" href="/f/{WHEEL}">x</a>',
    ],
)
def test_single_links_that_nobody_could_use_are_left_out(bad: str) -> None:
    """And counted; the others stay."""
    parsed = read(html(bad, link("leftpad-2.0.tar.gz")))

    assert [file.filename for file in parsed.page.files] == ["leftpad-2.0.tar.gz"]
    assert parsed.dropped == 1


def test_of_a_name_the_first_link_counts() -> None:
    """The second one cannot take its place."""
    parsed = read(html(link(href=f"/first/{WHEEL}"), link(href=f"/second/{WHEEL}")))

    assert [file.url for file in parsed.page.files] == [f"http://127.0.0.1:8000/first/{WHEEL}"]


def test_nul_is_not_remembered() -> None:
    """PostgreSQL stores none."""
    (file,) = read(html('<a href="a-1.zip" data-yanked="a\0b&#0;c">a-1.zip</a>')).page.files

    assert "\0" not in (file.yanked or "")


UNFINISHED = (
    *("<", "<!", "<!-", "<!--", "<![", "<![CDATA[", "<?", "</", "<a", "<a/", "<a ", "<a b", "<a=b", "<a b='", '<a b="'),
    *("&", "&#", "&#x", "&amp", "<a<b", "<script>", "<style>", "<title>", '<a b c="d" ', "<a ='\"", "<a\0", "--"),
)


@pytest.mark.parametrize("piece", [*UNFINISHED, "</a>", "<a href=x>"])
def test_the_same_piece_of_markup_again_and_again_is_read_in_bounds(piece: str) -> None:
    """Work grows with the page, not faster: a piece that never ends is not looked at anew from the start each time."""
    body = (html(link()).decode().removesuffix("</body></html>") + piece * (400_000 // len(piece))).encode()

    try:
        names = [file.filename for file in read(body).page.files]
    except UpstreamUnavailableError:
        names = []

    assert names in ([], [WHEEL])


def test_a_page_of_too_many_tags_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take far more memory than its text."""
    monkeypatch.setattr(anchors, "MOST_TAGS", 100)

    with pytest.raises(UpstreamUnavailableError, match="more than 100 tags"):
        read(html(*[link()] * 100))


MARKUP = st.sampled_from(
    (
        *(
            "<",
            ">",
            "<a ",
            "href=",
            "</a>",
            '"',
            "'",
            "<!--",
            "-->",
            "<![",
            "]]>",
            "<!DOCTYPE ",
            "<?",
            "<base ",
            "<meta ",
        ),
        *("name=pypi:repository-version ", "content=1.0 ", "<script>", "</script>", "&", "&#x0;", "&#xD800;", "&#38;"),
        *("a-1.zip", "leftpad-1.0.tar.gz", "#sha256=", DIGEST, "data-yanked", "=", " ", "\n", "\0", "/", "http://["),
        "<h1>Links for x",
    )
)


@given(st.lists(MARKUP | st.text(max_size=8), max_size=40).map("".join).map(str.encode) | st.binary(max_size=200))
def test_whatever_comes_is_a_page_or_is_not_believed(body: bytes) -> None:
    """Nothing else is ever raised, and nothing that is believed could do harm later."""
    with suppress(UpstreamUnavailableError):
        assert parse_html_listing(body).serials
    files: tuple[ListedFile, ...] = ()
    with suppress(UpstreamUnavailableError):
        files = read(body).page.files

    assert all(file.filename.isprintable() and "/" not in file.filename for file in files)
    assert all(file.url.startswith(("http://", "https://")) and file.url.isprintable() for file in files)


TEXT = st.text(st.characters(exclude_categories=["C"], exclude_characters="\xa0\u2028\u2029"), max_size=20)
HONEST = st.builds(
    lambda number, yanked, python: {
        "filename": f"leftpad-{number}.tar.gz",
        **({} if yanked is None else {"data_yanked": yanked}),
        **({} if python is None else {"data_requires_python": python}),
    },
    st.integers(0, 50),
    st.none() | TEXT,
    st.none() | st.sampled_from([">=3", "<4,>=3.8", "!=3.1.*"]),
)


@given(st.lists(HONEST, min_size=1, unique_by=lambda given: given["filename"]), st.sampled_from(["", "/base/"]))
def test_honest_pages_are_read_as_others_read_them(given: list[dict[str, str]], base: str) -> None:
    """A library that people use to read such pages finds the same links with the same words."""
    head = '<meta name="pypi:repository-version" content="1.1">' + (f'<base href="{base}">' if base else "")
    body = html(*(link(**one, href=f"f/{one['filename']}#sha256={DIGEST}") for one in given), head=head)

    ours = parse_html_page(LEFTPAD, PAGE_URL, body, serial_header=None, etag=None).page.files
    theirs = RepositoryPage.from_html(body, base_url=PAGE_URL, from_encoding="utf-8").links

    assert [
        (file.filename, f"{file.url}#sha256={file.sha256}", file.yanked, file.requires_python) for file in ours
    ] == [
        (found.text, found.url, found.attrs.get("data-yanked"), found.attrs.get("data-requires-python"))
        for found in theirs
    ]


def test_a_list_of_projects_in_html_is_read() -> None:
    """Names from the text, or from the address where the text is cut short or decorated; other links name nobody."""
    body = html(
        '<a href="/simple/leftpad/">Left.Pad</a><a href="sixpad/">sixpad/</a>',
        '<a href="a-very-long-name/">a-very..&gt;</a>',
        '<a href="../">..</a><a href="?C=N">N A</a><a name=top>top</a>',
    )

    found = parse_html_listing(body)

    assert dict(found.serials) == dict.fromkeys(map(canonicalize_name, ("left-pad", "sixpad", "a-very-long-name")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        html(),
        html("<a href='/'>/</a>"),
        html("<a href=a>a</a>", head='<meta name="pypi:repository-version" content="2.0">'),
    ],
)
def test_a_list_that_names_nobody_is_not_believed(body: bytes) -> None:
    """Nor one of a later age."""
    with pytest.raises(UpstreamUnavailableError):
        parse_html_listing(body)
