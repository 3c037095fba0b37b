"""Which hosts files may come from."""

import pytest
from packaging.utils import canonicalize_name

from mirror.model import ListedFile, ProjectPage, ProjectStatus
from mirror.upstream.hosts import freeze, is_allowed, origin_of, same_origin


def page_with(*urls: str) -> ProjectPage:
    files = tuple(ListedFile(f"f-{n}.tar.gz", url, None, None, None, None) for n, url in enumerate(urls))
    return ProjectPage(canonicalize_name("f"), None, ProjectStatus.ACTIVE, (), files)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Files.Example.ORG./a", "files.example.org"),
        ("https://files.example.org:443/a", "files.example.org"),
        ("http://files.example.org:80/a", "files.example.org"),
        ("http://files.example.org:443/a", "files.example.org:443"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[0:0::1]/", "[::1]"),
        ("https://bücher.example.org/", "xn--bcher-kva.example.org"),
        ("ftp://files.example.org/a", None),
        ("//files.example.org/a", None),
        ("files.example.org", None),
        ("http://user@files.example.org/", None),
        ("http://files.example.org\\@evil.example.org/", None),
        ("http://a b/", None),
        ("http://%65vil.example.org/", None),
        ("http://[fe80::1%25eth0]/", None),
        ("http://[::1/", None),
        ("http://host:99999/", None),
        ("http:///path", None),
        ("", None),
    ],
)
def test_an_origin_is_written_in_one_way_only(url: str, origin: str | None) -> None:
    """Host in lower case, with the port unless the scheme implies it; nothing for what is no plain HTTP URL."""
    assert origin_of(url) == origin


def test_the_indexs_own_origin_and_those_of_the_first_page_are_frozen() -> None:
    """The index comes first, each origin once."""
    page = page_with("https://files.example.org/a", "https://files.example.org/b", "https://cdn.example.org:8443/c")

    assert freeze("https://index.example.org/simple/", page) == (
        "index.example.org",
        "cdn.example.org:8443",
        "files.example.org",
    )


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "10.0.0.8:9000",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "[::1]",
        "[fe80::1]",
        "[fd00::1]:80",
        "[::ffff:127.0.0.1]",
        "224.0.0.1",
        "localhost",
        "db.localhost:5432",
    ],
)
def test_a_public_index_cannot_point_into_the_private_network(host: str) -> None:
    """Addresses that are not public are never frozen for an index that has a public name, however they are written."""
    assert freeze("https://index.example.org/simple/", page_with(f"http://{host}/a")) == ("index.example.org",)


@pytest.mark.parametrize("index", ["http://127.0.0.1:8000", "http://10.1.2.3", "http://[::1]:1", "http://localhost:1"])
def test_a_private_index_may_have_private_files(index: str) -> None:
    """Whoever mirrors an index by its private address lives in that network anyway."""
    frozen = freeze(f"{index}/simple/", page_with("http://10.0.0.8:9000/a", "https://files.example.org/a"))

    assert frozen == (origin_of(index), "10.0.0.8:9000", "files.example.org")


def test_only_listed_origins_are_allowed() -> None:
    """An entry without a port means the default ports, one with a port exactly that one."""
    hosts = ("Files.Example.org", "cdn.example.org:8443", "[::1]:8080")

    assert is_allowed("https://files.example.org/x", hosts)
    assert is_allowed("http://files.example.org/x", hosts)
    assert is_allowed("https://cdn.example.org:8443/x", hosts)
    assert is_allowed("http://[::1]:8080/x", hosts)
    assert not is_allowed("https://files.example.org:8443/x", hosts)
    assert not is_allowed("https://cdn.example.org/x", hosts)
    assert not is_allowed("https://evil.example.org/x", hosts)
    assert not is_allowed("https://files.example.org.evil.example.org/x", hosts)
    assert not is_allowed("https://files.example.org@evil.example.org/x", hosts)
    assert not is_allowed("file:///etc/passwd", hosts)
    assert not is_allowed("https://files.example.org/x", ())


def test_another_scheme_or_port_is_another_origin() -> None:
    """RFC 6454."""
    assert same_origin("https://a.example.org/x", "https://A.example.org:443/y")
    assert not same_origin("https://a.example.org/x", "http://a.example.org/x")
    assert not same_origin("https://a.example.org/x", "https://a.example.org:8443/x")
    assert not same_origin("nonsense", "nonsense")
