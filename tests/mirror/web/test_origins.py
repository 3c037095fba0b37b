"""Under which address a mirror thinks it is reached, and who it thinks asks: never what just anybody says."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from mirror.web.origin import Origins

PROXY, STRANGER = "10.0.0.1", "203.0.113.9"


class Transport:
    """A connection between these two ends."""

    def __init__(self, peer: object, own: object = ("10.0.0.2", 8080)) -> None:
        self._ends = {"peername": peer, "sockname": own}

    def get_extra_info(self, name: str, default: object = None) -> object:
        """As of asyncio's transports."""
        return self._ends.get(name, default)


def request(peer: str = PROXY, host: str | None = "mirror.example.org", **headers: str) -> web.Request:
    """A request over such a connection; `_` in the names of headers stands for `-`."""
    named = {f"X-Forwarded-{name}".replace("_", "-"): value for name, value in headers.items()}
    if host is not None:
        named["Host"] = host
    return make_mocked_request("GET", "/simple/", headers=named, transport=Transport((peer, 4711)))


def origins(base_url: str = "", *trusted: str) -> Origins:
    return Origins(base_url=base_url, trusted_proxies=trusted or ("10.0.0.0/8", "2001:db8::/32"))


def test_the_setting_says_it() -> None:
    """Whatever the request says."""
    asked = request(Host="evil.example.org", Proto="https")

    assert origins("https://mirror.example.org/pypi/").of(asked) == "https://mirror.example.org/pypi"


def test_a_trusted_proxy_says_how_it_was_asked() -> None:
    """Scheme, host and prefix are those of the client's side."""
    asked = request(host="backend:8080", Proto="https", Host="Mirror.Example.org", Prefix="/python/")

    assert origins().of(asked) == "https://mirror.example.org/python"


def test_nobody_else_is_believed() -> None:
    """Who connects directly is taken at the name that it connected to, and may say what it likes."""
    asked = request(STRANGER, Proto="https", Host="evil.example.org", Prefix="/evil", For="198.51.100.1")

    assert origins().of(asked) == "http://mirror.example.org"
    assert origins().client(asked) == STRANGER


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("mirror.example.org:80", "mirror.example.org"),
        ("MIRROR.example.org:8080", "mirror.example.org:8080"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("[2001:DB8::0:1]:8080", "[2001:db8::1]:8080"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
        ("under_score.example.org", "under_score.example.org"),
    ],
)
def test_a_host_has_one_spelling(host: str, shown: str) -> None:
    """In lower case, and with a port only where it is not the scheme's own."""
    assert origins().of(request(STRANGER, host=host)) == f"http://{shown}"


HOSTILE = [
    "a.example.org, b.example.org",
    "user@example.org",
    "user:password@example.org",
    "example.org:0",
    "example.org:65536",
    "example.org:99999999999",
    "example.org:port",
    "example.org/path",
    "example.org?x",
    "example.org#x",
    "example.org\\x",
    "exa mple.org",
    'x"onmouseover="alert(1)',
    "<script>",
    "%65xample.org",
    "[::1",
    "[1.2.3.4]",
    "[fe80::1%25eth0]",
    "ex\xe4mple.org",
    "",
    "x" * 300,
    "-",
    ".",
]


@pytest.mark.parametrize("host", HOSTILE)
def test_what_is_no_host_is_taken_as_not_said(host: str) -> None:
    """From a proxy, then the request's own counts; and in the request's own, then where the connection ended."""
    assert origins().of(request(Host=host)) == "http://mirror.example.org"
    assert origins().of(request(STRANGER, host=host)) == "http://10.0.0.2:8080"


@pytest.mark.parametrize(
    "prefix", ["//evil.example.org", "/a/../b", "/./a", "a", "/a b", "/a%2fb", "/a?b", "/a,/b", "/"]
)
def test_what_is_no_plain_prefix_is_none(prefix: str) -> None:
    """So that the address stays one of the host."""
    assert origins().of(request(Prefix=prefix)) == "http://mirror.example.org"


@pytest.mark.parametrize("scheme", ["ftp", "https,http", "javascript", "https://", ""])
def test_what_is_no_scheme_of_the_web_is_none(scheme: str) -> None:
    """Then it is that of the connection."""
    assert origins().of(request(Proto=scheme)) == "http://mirror.example.org"


def test_a_header_that_came_twice_is_none() -> None:
    """Nobody can say which of them the proxy wrote."""
    twice = [
        ("Host", "mirror.example.org"),
        ("X-Forwarded-Host", "a.example.org"),
        ("X-Forwarded-Host", "b.example.org"),
    ]
    asked = make_mocked_request("GET", "/", headers=twice, transport=Transport((PROXY, 4711)))

    assert origins().of(asked) == "http://mirror.example.org"


def test_who_names_no_host_reaches_the_end_of_the_connection() -> None:
    """HTTP/1.0 does not demand one; an IPv6 address is bracketed, and a Unix socket has none."""
    by_v6 = make_mocked_request("GET", "/", transport=Transport(("::1", 1), ("::1", 8080, 0, 0)))
    by_unix = make_mocked_request("GET", "/", transport=Transport("", "/run/everpin.sock"))

    assert origins().of(by_v6) == "http://[::1]:8080"
    assert origins().of(by_unix) == "http://localhost"
    assert origins().client(by_unix) is None


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7, 10.0.0.5", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7:4711, 10.0.0.5", "198.51.100.7"),
        ("10.0.0.7, 10.0.0.5", "10.0.0.7"),
        ("2001:db8::7, ::ffff:10.0.0.5", "2001:db8::7"),
        ("198.51.100.7, [2001:db8::5]:443", "198.51.100.7"),
        ("198.51.100.7, unknown, 10.0.0.5", "10.0.0.5"),
        ("198.51.100.7, <script>", PROXY),
        ("", PROXY),
    ],
)
def test_the_client_is_the_last_one_that_is_not_trusted(chain: str, client: str) -> None:
    """Each proxy appends who asked it, so what stands left of the first stranger is that stranger's claim."""
    assert origins().client(request(For=chain)) == client


def test_a_proxy_that_comes_by_ipv6_is_known_by_its_ipv4_address() -> None:
    """Sockets that listen to both tell it like that."""
    assert origins().of(request("::ffff:10.0.0.1", Host="a.example.org")) == "http://a.example.org"
