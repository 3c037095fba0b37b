"""Under which address a client reached this mirror, and who that client is.

`mirror.base_url` says it where it is set. Else the request does: reverse proxies of `mirror.trusted_proxies` are
believed what they say of the client's side (`X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix`), nobody else is. Whatever
is not plainly an address is taken as not said, so that no header can put anything but a host into a page.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from aiohttp import web
from aiohttp.web_request import BaseRequest

_LONGEST = 255
# RFC 3986, without what nobody's host has: user names, escapes, and the letters that are no ASCII.
_HOST = re.compile(r"([a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+", re.ASCII)
_ORIGIN_OF_URL = re.compile(r"\A[a-z]+://[^/?#]*", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORT_OF_ADDRESS = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}", re.ASCII)

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Origins:
    """Says of a request what this module is about."""

    def __init__(self, *, base_url: str, trusted_proxies: Iterable[str]) -> None:
        self._base_url = base_url.rstrip("/")
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted_proxies)

    def of(self, request: BaseRequest) -> str:
        """Scheme, host and prefix, without a slash at the end: what stands before the path of an absolute address."""
        if self._base_url:
            return self._base_url
        scheme, prefix, host = request.scheme, "", None
        if self._trusted and self._is_trusted(_peer(request)):
            scheme = _scheme(_single(request, "X-Forwarded-Proto")) or scheme
            prefix = _prefix(_single(request, "X-Forwarded-Prefix")) or ""
            host = _host(_single(request, "X-Forwarded-Host"), scheme)
        return f"{scheme}://{host or _host(_single(request, 'Host'), scheme) or _own_address(request)}{prefix}"

    def client(self, request: BaseRequest) -> str | None:
        """The address of the client; of a trusted proxy's, the last one in the chain that is not itself trusted."""
        peer = _peer(request)
        if not self._trusted:
            return None if peer is None else str(peer)
        for hop in _forwarded_for(request):
            if not self._is_trusted(peer):
                break
            if (before := _address(hop)) is None:
                # Whoever wrote that: what stands left of it is worth no more.
                break
            peer = before
        return None if peer is None else str(peer)

    def _is_trusted(self, address: _Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self._trusted
        )


def _peer(request: BaseRequest) -> _Address | None:
    """Who is at the other end of the connection; None for a Unix socket's."""
    name = request.transport.get_extra_info("peername") if request.transport is not None else None
    return _address(name[0]) if isinstance(name, tuple) and name else None


@lru_cache(maxsize=4096)
def _address(text: str) -> _Address | None:
    """An address, as some proxies write it also with a port; that of IPv4 also where it comes by IPv6."""
    with_port = _PORT_OF_ADDRESS.fullmatch(text)
    try:
        address = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _forwarded_for(request: BaseRequest) -> Iterator[str]:
    """The addresses, the nearest first: each proxy appends who asked it, so the left end is anybody's claim."""
    whole = ",".join(request.headers.getall("X-Forwarded-For", []))
    for hop in reversed(whole.split(",")):
        yield hop.strip()


def _single(request: BaseRequest, name: str) -> str | None:
    """The header's value where it was sent once: of two nobody can say which one is meant."""
    values = request.headers.getall(name, [])
    return values[0].strip() if len(values) == 1 and len(values[0]) <= _LONGEST else None


def _scheme(text: str | None) -> str | None:
    return text.lower() if text is not None and text.lower() in _DEFAULT_PORTS else None


@lru_cache(maxsize=1024)
def _host(text: str | None, scheme: str) -> str | None:
    """Host and, unless it is the scheme's own, port; in lower case, so that one host has one spelling."""
    found = _HOST.fullmatch(text.lower()) if text is not None else None
    if found is None:
        return None
    name, port = found[1], int(found[2]) if found[2] else _DEFAULT_PORTS.get(scheme)
    if name.startswith("["):
        address = _address(name[1:-1])
        if not isinstance(address, ipaddress.IPv6Address):
            return None
        name = f"[{address}]"
    if port is not None and not 0 < port < 65536:
        return None
    return name if port == _DEFAULT_PORTS.get(scheme) or port is None else f"{name}:{port}"


def _prefix(text: str | None) -> str | None:
    trimmed = (text or "").rstrip("/")
    return trimmed if _PREFIX.fullmatch(trimmed) else None


def _own_address(request: web.BaseRequest) -> str:
    """Where the connection ended, for a client that does not say whom it asks."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    if not isinstance(name, tuple) or len(name) < 2:
        return "localhost"
    address, port = name[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def also_below(app: web.Application, base_url: str) -> None:
    """Has every route of the application also answer below the path of `base_url`, where that has one.

    For proxies that pass on the path as it came. To be called when all routes are there.
    """
    path = _ORIGIN_OF_URL.sub("", base_url).rstrip("/")
    if not _PREFIX.fullmatch(path):
        return
    routes = [(route.method, route.resource, route.handler) for route in app.router.routes()]
    for method, resource, handler in routes:
        if resource is not None:
            app.router.add_route(method, f"{path}{resource.canonical}", handler)
