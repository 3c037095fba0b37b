"""Paths of files: upstream's own where it has PyPI's layout, readable again in exactly one way."""

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.index.paths import Kind, digest_of_path, file_path, parse_path
from tests.mirror.index.index_examples import digest, listed_file

UPSTREAM = "9f/68/87c41b426d26153221f5fd71a1126d1f099cf52a1b7469c57bd716adeb7b"
UPSTREAM_DIGEST = bytes.fromhex(UPSTREAM.replace("/", ""))
SHA256 = digest(0xABCDEF)
BY_SHA256 = f"packages/00/00/{SHA256[4:]}"


@pytest.mark.parametrize(
    "prefix",
    ["https://files.example.org/", "http://127.0.0.1:18301/", "https://example.org/some/prefix/", "/", ""],
)
def test_a_url_with_pypis_layout_keeps_its_path_below_any_host_and_prefix(prefix: str) -> None:
    """A lock file with upstream's URLs works after the host alone was exchanged."""
    file = listed_file("leftpad-1.0.tar.gz", url=f"{prefix}packages/{UPSTREAM}/leftpad-1.0.tar.gz#sha256=00")

    assert file_path(file) == f"packages/{UPSTREAM}/leftpad-1.0.tar.gz"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/files/leftpad-1.0.tar.gz",
        f"https://example.org/packages/{UPSTREAM}/another-1.0.tar.gz",
        f"https://example.org/packages/{UPSTREAM.upper()}/leftpad-1.0.tar.gz",
        f"https://example.org/packages/{UPSTREAM}a/leftpad-1.0.tar.gz",
        f"https://example.org/packages/{UPSTREAM}/below/leftpad-1.0.tar.gz",
        f"https://example.org/otherpackages/{UPSTREAM}/leftpad-1.0.tar.gz",
        f"https://example.org/?/packages/{UPSTREAM}/leftpad-1.0.tar.gz",
        "http://[not-a-url",
        "",
    ],
)
def test_any_other_url_gives_a_path_made_of_the_sha256(url: str) -> None:
    """Only a path that names this very file in PyPI's layout is taken over."""
    file = listed_file("leftpad-1.0.tar.gz", url=url, sha256=SHA256)

    assert file_path(file) == f"{BY_SHA256}/leftpad-1.0.tar.gz"


def test_a_file_with_neither_layout_nor_sha256_has_no_path() -> None:
    """There is nothing by which it could be found again."""
    file = replace(listed_file(url="https://example.org/leftpad-1.0.tar.gz"), sha256=None)

    assert file_path(file) is None


@pytest.mark.parametrize(
    ("filename", "encoded"),
    [
        ("leftpad-1!2.0.tar.gz", "leftpad-1%212.0.tar.gz"),
        ("leftpad-1.0+local-py3-none-any.whl", "leftpad-1.0%2Blocal-py3-none-any.whl"),
        ("left pad-1.0.zip", "left%20pad-1.0.zip"),
        ("läftpad-1.0.zip", "l%C3%A4ftpad-1.0.zip"),
        ("leftpad-1.0%2B.zip", "leftpad-1.0%252B.zip"),
        ("leftpad-1.0#?&.zip", "leftpad-1.0%23%3F%26.zip"),
    ],
)
def test_filenames_are_percent_encoded_in_links(filename: str, encoded: str) -> None:
    """Reserved, blank and non-ASCII characters survive the way through a URL."""
    assert file_path(listed_file(filename, sha256=SHA256)) == f"{BY_SHA256}/{encoded}"


def test_an_encoded_upstream_path_is_recognised_as_the_same_file() -> None:
    """Upstream may encode another set of characters than we do."""
    file = listed_file(
        "leftpad-1!2.0+x.tar.gz", url=f"https://example.org/packages/{UPSTREAM}/leftpad-1!2.0%2bx.tar.gz"
    )

    assert file_path(file) == f"packages/{UPSTREAM}/leftpad-1%212.0%2Bx.tar.gz"


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".",
        "..",
        ".hidden-1.0.zip",
        "a/b-1.0.zip",
        "a\\b-1.0.zip",
        "a\0-1.0.zip",
        "a\n-1.0.zip",
        "a\u202e-1.0.zip",
        "a\ud800-1.0.zip",
        "x" * 256,
        "leftpad-1.0.whl.metadata",
        "leftpad-1.0.whl.provenance",
    ],
)
def test_a_name_that_cannot_be_asked_for_safely_has_no_path(filename: str) -> None:
    """Neither is it linked, nor is it understood when someone asks for it."""
    assert file_path(listed_file(filename, sha256=SHA256)) is None
    asked = parse_path("00", "00", SHA256[4:], filename)
    assert asked is None or asked.kind is not Kind.FILE


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("leftpad-1.0.whl", Kind.FILE),
        ("leftpad-1.0.whl.metadata", Kind.METADATA),
        ("leftpad-1.0.whl.provenance", Kind.PROVENANCE),
    ],
)
def test_a_sibling_is_known_by_its_suffix(asked: str, kind: Kind) -> None:
    """The filename is the file's own in every case."""
    assert parse_path("9f", "68", UPSTREAM[6:], asked) == (UPSTREAM_DIGEST, "leftpad-1.0.whl", kind)


@pytest.mark.parametrize(
    ("aa", "bb", "rest", "filename"),
    [
        ("9F", "68", UPSTREAM[6:], "leftpad-1.0.whl"),
        ("9f", "6", UPSTREAM[6:], "leftpad-1.0.whl"),
        ("9f", "6", "8" + UPSTREAM[6:], "leftpad-1.0.whl"),
        ("9f", "68", UPSTREAM[6:-1], "leftpad-1.0.whl"),
        ("9f", "68", UPSTREAM[6:-1] + "g", "leftpad-1.0.whl"),
        ("9f", "68", UPSTREAM[6:-1] + "\n", "leftpad-1.0.whl"),
        ("..", "68", UPSTREAM[6:], "leftpad-1.0.whl"),
        ("٩f", "68", UPSTREAM[6:], "leftpad-1.0.whl"),
        ("9f", "68", UPSTREAM[6:], ".metadata"),
        ("9f", "68", UPSTREAM[6:], "leftpad-1.0.whl.metadata.metadata"),
        ("9f", "68", UPSTREAM[6:], "../leftpad-1.0.whl"),
    ],
)
def test_a_path_that_no_page_can_contain_is_not_understood(aa: str, bb: str, rest: str, filename: str) -> None:
    """Requests are read strictly: one file has one path."""
    assert parse_path(aa, bb, rest, filename) is None


def test_the_digest_of_a_path_is_what_its_segments_spell() -> None:
    """The catalog finds by it what was linked."""
    path = file_path(listed_file("a-1.0.zip", url=f"https://example.org/packages/{UPSTREAM}/a-1.0.zip"))

    assert path is not None
    assert digest_of_path(path) == UPSTREAM_DIGEST
    assert digest_of_path("simple/leftpad/") is None
    assert digest_of_path(path.replace("packages", "backpackages")) is None


@given(filename=st.text(max_size=300))
def test_every_linked_path_is_read_back_as_what_it_was_made_of(filename: str) -> None:
    """Whatever upstream calls a file: no link, or a link of four plain segments that leads to that file."""
    path = file_path(listed_file(filename, sha256=SHA256))

    if path is not None:
        head, aa, bb, rest, encoded = path.split("/")
        assert head == "packages"
        assert path.isascii()
        assert parse_path(aa, bb, rest, unquote(encoded)) == (bytes.fromhex(SHA256), filename, Kind.FILE)
        assert digest_of_path(path) == bytes.fromhex(SHA256)


@given(segments=st.tuples(st.text(), st.text(), st.text(), st.text()))
def test_no_request_makes_the_reader_fail(segments: tuple[str, str, str, str]) -> None:
    """Anything may be asked for."""
    parsed = parse_path(*segments)

    assert parsed is None or parsed.digest.hex() == "".join(segments[:3])
