"""Which hosts files may be fetched from. Pure.

A page is hostile text: a link in it must not make this mirror call services of the network it lives in. So the hosts
are frozen when the first page is observed, and addresses that are not public count only where the index itself has one.
Names are not resolved here: a name is frozen because the index used it before anyone knew of this mirror.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable

from yarl import URL

from mirror.model import ProjectPage

_NAME = re.compile(r"\A[a-z0-9_]([a-z0-9._-]*[a-z0-9_-])?\Z")


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
    private_too = own is not None and _is_literal_private(own)
    others = {origin_of(file.url) for file in page.files}
    usable = {origin for origin in others if origin and (private_too or not _is_literal_private(origin))}
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


def _is_literal_private(origin: str) -> bool:
    host = re.sub(r":\d+\Z", "", origin).strip("[]")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _literal(host)
    if address is None:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    meant = mapped or address
    return not meant.is_global or meant.is_multicast


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
