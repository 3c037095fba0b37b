"""The one place where a way out to upstream is made: through which proxy, trusting whom, introduced and known as whom.

Whoever asks upstream or what belongs to it (pages, files, the journal, feeds, advisories) has a session made here.
The environment decides nothing: neither its proxies nor its `.netrc` are heeded, and no session keeps cookies.
"""

import importlib.metadata
import ssl
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from mirror.errors import StartError
from mirror.setting_sections import Upstream
from mirror.upstream.hosts import origin_of, same_origin
from mirror.upstream.resolver import JudgingResolver


def introduction(settings: Upstream) -> str:
    """Who asks, as upstream's operators see it: the value of `User-Agent`."""
    return program() + (f" (+{settings.contact})" if settings.contact else "")


def program() -> str:
    """Which program asks, and its version."""
    return f"everpin/{importlib.metadata.version('everpin')}"


def client_session(
    settings: Upstream,
    *,
    also_named: Iterable[str] = (),
    timeout: aiohttp.ClientTimeout | None = None,
    unpacks: bool = True,
    read_bufsize: int = 2**16,
    resolver: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """A session that goes out as the settings say. Needs a running loop; the caller closes it.

    `also_named` are URLs of other settings, whose hosts may have any address; `resolver` resolves names in the
    system's place. Raises StartError where the authorities' certificates cannot be read.
    """
    connector = aiohttp.TCPConnector(
        # Callers bound what they have open at a time; with a limit here, a page would queue behind downloads.
        limit=0,
        ssl=True if settings.ca_file is None else _trusting(settings.ca_file),
        resolver=_resolver(settings, also_named, resolver),
    )
    proxy = settings.proxy.get_secret_value()
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": introduction(settings)},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=timeout or aiohttp.ClientTimeout(),
        auto_decompress=unpacks,
        read_bufsize=read_bufsize,
        proxy=URL(proxy).with_user(None) if proxy else None,
        middlewares=tuple(filter(None, (_credentials(settings), _proxy_credentials(proxy)))),
    )


def _resolver(settings: Upstream, also_named: Iterable[str], inner: AbstractResolver | None) -> AbstractResolver | None:
    if settings.proxy.get_secret_value():
        # Only the proxy's own name is resolved here. It resolves all others, so that none of their addresses can be
        # judged or pinned by this program; which hosts may be asked at all is ruled as ever.
        return inner
    urls = (settings.journal_url, settings.updates_url, *also_named)
    origins = (origin for url in urls if (origin := origin_of(url)))
    return JudgingResolver(settings.index_url, (*origins, *settings.allowed_file_hosts), inner=inner)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError as e:
        raise StartError(f"upstream.ca_file: {ca_file} holds no certificates in PEM") from e
    except OSError as e:
        raise StartError(f"upstream.ca_file: {ca_file} cannot be read ({e.strerror})") from e
    return context


def _credentials(settings: Upstream) -> aiohttp.ClientMiddlewareType | None:
    """Adds the credentials to each request to the index's own origin. Each hop of a redirect is a request."""
    if not settings.username:
        return None
    value = _basic(settings.username, settings.password.get_secret_value())

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if same_origin(str(request.url), settings.index_url):
            request.headers["Authorization"] = value
        return await handler(request)

    return authorize


def _proxy_credentials(proxy: str) -> aiohttp.ClientMiddlewareType | None:
    """Tells the proxy who asks: in the request for a tunnel, or in the request itself where there is no tunnel."""
    user = URL(proxy).raw_user if proxy else None
    if user is None:
        return None
    value = _basic(unquote(user), unquote(URL(proxy).raw_password or ""))

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if not request.is_ssl():
            request.headers["Proxy-Authorization"] = value
        else:
            request.update_proxy(request.proxy, None, {"Proxy-Authorization": value})
        return await handler(request)

    return authorize


def _basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
