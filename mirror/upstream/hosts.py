"""Which hosts files may be fetched from. Pure.

A page is hostile text: a link in it must not make this mirror call services of the network it lives in. So the hosts
are frozen when the first page is observed, and addresses that are not public count only where the index itself has one.
Names are not resolved here: where one leads is judged when it is connected to, by `resolver`.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable

from yarl import URL

from mirror.model import ProjectPage

_NAME = re.compile(r"\A[a-z0-9_]([a-z0-9._-]*[a-z0-9_-])?\Z")
_OWN_PORTS = (80, 443)
_OWN_PORT = re.compile(r":(?:80|443)\Z")

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# IPv4-compatible and IPv4-mapped addresses (RFC 4291), and those of NAT64 (RFC 6052).
_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "64:ff9b::/96")))
# Addresses that look public and lead into the cloud that a machine stands in: Oracle's metadata are at 192.0.0.192, in
# a block that not every Python knows to be special, and Azure's host answers each machine at 168.63.129.16.
_OF_CLOUDS = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "168.63.129.16/32")))


def origin_of(url: str) -> str | None:
    """`host` where the scheme's own port is used, else `host:port`, in lower case; None where it is no plain HTTP URL.

    An IPv6 address stands in brackets. A URL with a user name or password has no origin: it is never fetched.
    """
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        return None
    if parsed.scheme not in ("http", "https") or parsed.user is not None or parsed.password is not None:
        return None
    name = _normalised(host or "")
    if name is None or port is None:
        return None
    return name if parsed.is_default_port() else f"{name}:{port}"


def freeze(index_url: str, page: ProjectPage) -> tuple[str, ...]:
    """The index's own origin first, then the public origins of the page's files."""
    own = origin_of(index_url)
    private_too = own is not None and is_private(own)
    others = {origin_of(file.url) for file in page.files}
    usable = {origin for origin in others if origin and (private_too or not is_private(origin))}
    first = () if own is None else (own,)
    return (*first, *sorted(usable - set(first)))


def is_allowed(url: str, hosts: Iterable[str]) -> bool:
    """Whether the URL's origin is among `hosts`, entries of the form `host` or `host:port`."""
    origin = origin_of(url)
    return origin is not None and origin in {_entry(host) for host in hosts}


def same_origin(url: str, other: str) -> bool:
    """Whether both have the same scheme, host and port."""
    origin = origin_of(url)
    return origin is not None and origin == origin_of(other) and URL(url).scheme == URL(other).scheme


def place(origin: str) -> str:
    """What is connected to for `host` or `host:port`: either scheme's own port is left out."""
    return _OWN_PORT.sub("", _entry(origin))


def host_of(origin: str) -> str:
    """The name or address of `host` or `host:port`, without brackets."""
    return re.sub(r":\d+\Z", "", origin).strip("[]")


def is_private(origin: str) -> bool:
    """Whether `host` or `host:port` is an address that is not public; of names only `localhost` is known to be one."""
    host = host_of(origin)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _literal(host)
    return address is not None and not _is_public(address)


def is_public_address(text: str) -> bool:
    """Whether it is an address that means the same one of the public network everywhere.

    One that stands for another, as gateways and tunnels between IPv4 and IPv6 have them, is judged as that one.
    """
    try:
        return _is_public(ipaddress.ip_address(text))
    except ValueError:
        return False


def _entry(host: str) -> str:
    # Read as a URL, so that "Files.Example.org." means what it means in a link.
    return origin_of(f"https://{host}") or host


def _normalised(host: str) -> str | None:
    lowered = host.lower().removesuffix(".")
    if "%" in lowered:
        # Neither an escaped name nor an IPv6 zone belongs in somebody else's link.
        return None
    if ":" in lowered:
        try:
            return f"[{ipaddress.IPv6Address(lowered)}]"
        except ValueError:
            return None
    return lowered if _NAME.match(lowered) else None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        if any(address in network for network in _OF_CLOUDS):
            return False
        return address.is_global and not address.is_multicast and not address.is_reserved
    meant = _embedded(address)
    if meant is not None:
        return _is_public(meant)
    return address in _GLOBAL_UNICAST and address.is_global


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # Resolvers also take 127.1, 0x7f000001 and 2130706433 for addresses.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
