"""Reading project pages in HTML, as honest indexes write them."""

import json

import pytest

from mirror.errors import UpstreamUnavailableError
from mirror.model import ListedFile, ProjectStatus
from mirror.names import Sha256
from tests.mirror.upstream.html_pages import WHEEL, html, link, read, read_link
from tests.mirror.upstream.readings import DIGEST, PAGE_URL

OTHER = Sha256("cd" * 32)


def test_a_link_says_all_that_html_can_say() -> None:
    """PEP 503, 592, 658/714 and 740; what is known of JSON only stays unknown."""
    file = read_link(
        data_yanked="it <breaks>",
        data_requires_python=">=3.8,<4",
        data_core_metadata=f"sha256={OTHER}",
        data_provenance="https://index.example.org/provenance",
        data_gpg_sig="true",
    )

    assert file == ListedFile(
        filename=WHEEL,
        url=f"http://127.0.0.1:8000/packages/{WHEEL}",
        sha256=DIGEST,
        version="1.0",
        size=None,
        upload_time=None,
        yanked="it <breaks>",
        requires_python=">=3.8,<4",
        core_metadata=OTHER,
        provenance="https://index.example.org/provenance",
        extra=b'{"gpg-sig":true}',
    )


def test_a_bare_link_is_a_file_too() -> None:
    """All that PEP 503 demands is an address."""
    file = read_link(href="/f/leftpad-2.0.tar.gz", filename="leftpad-2.0.tar.gz")

    assert (file.url, file.version) == ("http://127.0.0.1:8000/f/leftpad-2.0.tar.gz", "2.0")
    assert (file.sha256, file.yanked, file.requires_python, file.core_metadata) == (None, None, None, False)


@pytest.mark.parametrize(
    ("head", "href", "url"),
    [
        ("", "../../f/a-1.zip", "http://127.0.0.1:8000/f/a-1.zip"),
        ("", "//files.example.org/a-1.zip", "http://files.example.org/a-1.zip"),
        ("", " a-1.zip?x=1&amp;y=2#md5=00 ", f"{PAGE_URL}a-1.zip?x=1&y=2"),
        ('<base href="/base/">', "a-1.zip", "http://127.0.0.1:8000/base/a-1.zip"),
        ('<base href="https://b.example.org/x/y">', "a-1.zip", "https://b.example.org/x/a-1.zip"),
        ('<base href="http://["><base href="/second/">', "a-1.zip", f"{PAGE_URL}a-1.zip"),
    ],
)
def test_addresses_count_from_the_page_or_its_base(head: str, href: str, url: str) -> None:
    """As browsers read them."""
    (file,) = read(html(f'<a href="{href}">a-1.zip</a>', head=head)).page.files

    assert file.url == url


def test_the_name_is_that_in_the_address() -> None:
    """As installers see it; escapes in it are undone, and the link's text says nothing."""
    assert read_link(filename="any text", href="/f/leftpad-1.0%2Blocal.zip").filename == "leftpad-1.0+local.zip"


@pytest.mark.parametrize(
    ("spelling", "read_as"),
    [
        ("", ""),
        ("data-yanked", ""),
        ('data-yanked=""', ""),
        ("data-yanked=broken", "broken"),
        ('DATA-YANKED="A&amp;B"', "A&B"),
    ],
)
def test_yanks_are_spelt_in_many_ways(spelling: str, read_as: str) -> None:
    """PEP 592: the attribute's presence is what counts."""
    (file,) = read(html(f'<a href="a-1.zip" {spelling}>a-1.zip</a>')).page.files

    assert file.yanked == (read_as if spelling else None)


@pytest.mark.parametrize(
    ("attributes", "read_as"),
    [
        ({}, False),
        ({"data_core_metadata": "true"}, True),
        ({"data_core_metadata": "false"}, False),
        ({"data_core_metadata": ""}, True),
        ({"data_core_metadata": "sha256=short"}, True),
        ({"data_core_metadata": "md5=00"}, True),
        ({"data_dist_info_metadata": f"sha256={OTHER}"}, OTHER),
        ({"data_dist_info_metadata": f"sha256={OTHER}", "data_core_metadata": f"sha256={DIGEST}"}, DIGEST),
    ],
)
def test_metadata_is_announced_under_two_names(attributes: dict[str, str], read_as: Sha256 | bool) -> None:
    """PEP 714: the newer name counts where both are given."""
    assert read_link(**attributes).core_metadata == read_as


def test_digests_other_than_sha256_are_remembered_as_they_are() -> None:
    """They promise nothing that this mirror relies on, but clients may want them."""
    file = read_link(href=f"/f/{WHEEL}#md5=00ff&sha256={DIGEST.upper()}&egg=leftpad")

    assert file.sha256 == DIGEST
    assert json.loads(file.extra) == {"hashes": {"md5": "00ff"}}


def test_the_head_tells_the_status_and_the_comment_the_serial() -> None:
    """PEP 792, and what PyPI writes at the end of a page."""
    head = '<meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="done">'
    page = read(html(link(), head=head) + b"\n<!--SERIAL 76-->", etag='"e"', serial_header="75").page

    assert (page.status, page.serial, page.etag) == (ProjectStatus.ARCHIVED, 76, '"e"')
    assert json.loads(page.extra) == {"project-status": {"reason": "done"}}
    assert read(html(link()), serial_header="75").page.serial == 75
    assert read(html(link())).page.serial is None


def test_versions_are_those_of_the_filenames() -> None:
    """Those of older kinds of files are found among them; each is named once, in the page's order."""
    names = ("leftpad-2.0.tar.gz", "leftpad-1.0.win32.exe", WHEEL, "leftpad-1.0-py2.7.egg", "leftpad-3.0-py2.7.egg")

    page = read(html(*(link(name) for name in names))).page

    assert [file.version for file in page.files] == ["2.0", "1.0", "1.0", "1.0", None]
    assert page.versions == ("2.0", "1.0")


def test_links_to_other_things_are_passed_over() -> None:
    """As pages of web servers have them: parent directories, sorting, signatures, homepages."""
    others: tuple[str, ...] = (
        '<a href="../">..</a>',
        '<a href="?C=N;O=D">Name</a>',
        '<a name="top">',
        '<a href="mailto:a@example.org">',
    )
    others += (link(f"{WHEEL}.asc"), link(f"{WHEEL}.metadata"), '<a href="https://www.example.org/download">')

    parsed = read(html(*others, link(), "<a href='http://['>"))

    assert [file.filename for file in parsed.page.files] == [WHEEL]
    assert parsed.dropped == 0


def test_a_link_ends_where_the_next_one_begins() -> None:
    """HTML has no links in links; case, quotes and line breaks do not matter."""
    page = read(
        html("<A HREF='a-1.zip'>a-1.zip<a\n href = a-2.zip >a-2.zip</A> <b><a href=a-3.zip>a-<i>3</i>.zip")
    ).page

    assert [file.filename for file in page.files] == ["a-1.zip", "a-2.zip", "a-3.zip"]


@pytest.mark.parametrize(
    "body",
    [
        html(),
        html("<h1>Links for leftpad</h1>", head=""),
        html(head="<title>Links for leftpad</title>"),
        html("<h1>Index of /simple/leftpad/</h1><a href='../'>..</a>", head=""),
    ],
)
def test_a_page_without_files_is_believed_where_it_says_what_it_is(body: bytes) -> None:
    """A project without files is one all the same."""
    assert read(body).page.files == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"It works!",
        html("<h1>Please log in</h1><form></form><a href='/help'>Help</a>", head="<title>Company</title>"),
        html(link(), head='<meta name="pypi:repository-version" content="2.0">'),
        html(link(), head='<meta name="pypi:repository-version" content="">'),
        html(link()) + b"<!--SERIAL 99999999999-->",
        html(link()) + b"<a href='",
        html(link()) + b"<!-- SERIAL",
        html(link()) + b"<script>" + b"var a;" * 20_000,
        html(link()).decode().encode("utf-16"),
    ],
)
def test_what_is_no_page_of_an_index_is_not_believed(body: bytes) -> None:
    """Such as a page to log in with, one of a later age, or one that breaks off."""
    with pytest.raises(UpstreamUnavailableError):
        read(body)
