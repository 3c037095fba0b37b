"""By which way requests reach upstream, whom they trust and what they tell of us."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from pydantic import SecretStr
from structlog.testing import capture_logs

from mirror.errors import StartError, UpstreamUnavailableError
from mirror.model import ProjectPage
from mirror.setting_sections import Upstream
from mirror.upstream.egress import client_session
from mirror.upstream.files import open_file
from mirror.upstream.index import Index
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.authorities import Authority, authority
from tests.mirror.upstream.canned_upstream import CannedUpstream, canned_upstream, page, redirects, says
from tests.mirror.upstream.forward_proxy import ForwardProxy, forward_proxy

LEFTPAD = canonicalize_name("leftpad")
PATH = "/simple/leftpad/"


@pytest.fixture
async def proxy() -> AsyncIterator[ForwardProxy]:
    async with forward_proxy() as running:
        yield running


@pytest.fixture
def trusted(tmp_path: Path) -> Authority:
    return authority(tmp_path / "trusted")


def basic(words: str) -> str:
    return f"Basic {b64encode(words.encode()).decode()}"


async def asked(settings: Upstream) -> ProjectPage:
    async with UpstreamSession(settings) as session:
        answered = await Index(session, settings.index_url).page(LEFTPAD)
    assert isinstance(answered, ProjectPage)
    return answered


async def fetched(settings: Upstream, url: str, *hosts: str) -> bytes:
    async with UpstreamSession(settings) as session, open_file(session, url, allowed_hosts=hosts) as body:
        return b"".join([chunk async for chunk in body.chunks()])


# The proxy


async def test_a_proxy_resolves_and_reaches_the_index(upstream: CannedUpstream, proxy: ForwardProxy) -> None:
    """Pages come through it also where only the proxy knows where the index is, and it learns who asks it."""
    proxy.leads["index.example.org"] = ("127.0.0.1", int(upstream.host.rpartition(":")[2]))
    proxy.demands = basic("us:p@ss:wörd")
    upstream.answers[PATH] = says(page())
    told = proxy.url.replace("http://", "http://us:p%40ss:w%C3%B6rd@")

    await asked(Upstream(index_url="http://index.example.org/simple/", proxy=SecretStr(told)))

    assert proxy.lines == [f"GET http://index.example.org{PATH} HTTP/1.1"]
    assert upstream.paths() == [PATH]
    assert "Proxy-Authorization" not in upstream.asked[0].headers


async def test_what_is_asked_over_tls_goes_through_a_tunnel(proxy: ForwardProxy, trusted: Authority) -> None:
    """The proxy learns the host and who asks it, and neither address nor credentials of what is asked for."""
    proxy.demands = basic("us:secret")
    async with canned_upstream(trusted.server_context("index.example.org")) as upstream:
        proxy.leads["index.example.org:443"] = ("127.0.0.1", int(upstream.host.rpartition(":")[2]))
        upstream.answers[PATH] = says(page())

        await asked(
            Upstream(
                index_url="https://index.example.org/simple/",
                proxy=SecretStr(proxy.url.replace("http://", "http://us:secret@")),
                ca_file=trusted.certificate,
                username="me",
                password=SecretStr("mine"),
            )
        )

        assert proxy.lines == ["CONNECT index.example.org:443 HTTP/1.1"]
        assert upstream.asked[0].headers["Authorization"] == basic("me:mine")
        assert "Proxy-Authorization" not in upstream.asked[0].headers


async def test_files_and_the_watchers_requests_take_the_same_way(upstream: CannedUpstream, proxy: ForwardProxy) -> None:
    """There is no request to upstream that does not."""
    upstream.answers["/f"] = says(b"bytes")
    upstream.answers["/pypi"] = says(b"rows")
    settings = Upstream(index_url=f"{upstream.url}/simple/", proxy=SecretStr(proxy.url))

    await fetched(settings, f"{upstream.url}/f", upstream.host)
    async with client_session(settings) as session, session.post(settings.journal_url, data=b"call") as answer:
        assert await answer.read() == b"rows"

    assert proxy.lines == [f"GET {upstream.url}/f HTTP/1.1", f"POST {upstream.url}/pypi HTTP/1.1"]
    assert proxy.authorized == [None, None]


async def test_a_proxy_that_refuses_is_told_of_without_its_password(
    upstream: CannedUpstream, proxy: ForwardProxy
) -> None:
    """Neither in the error nor in the log."""
    proxy.demands = basic("somebody:else")
    told = SecretStr(proxy.url.replace("http://", "http://us:secret@"))

    with capture_logs() as logs:
        for index_url in (f"{upstream.url}/simple/", "https://index.example.org/simple/"):
            with pytest.raises(UpstreamUnavailableError, match="407") as caught:
                await asked(Upstream(index_url=index_url, proxy=told))
            assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r} {logs}"

    assert upstream.asked == []


async def test_a_proxy_that_is_not_there_is_no_reason_to_go_without(upstream: CannedUpstream) -> None:
    """The failure says so, and keeps the password to itself."""
    async with forward_proxy() as gone:
        url = gone.url.replace("http://", "http://us:secret@")
    upstream.answers[PATH] = says(page())

    with pytest.raises(UpstreamUnavailableError, match="could not be asked") as caught:
        await asked(Upstream(index_url=f"{upstream.url}/simple/", proxy=SecretStr(url)))

    assert "secret" not in str(caught.value)
    assert upstream.asked == []


async def test_proxies_of_the_environment_are_not_heeded(
    upstream: CannedUpstream, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the settings say how upstream is reached."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, proxy.url)
    upstream.answers[PATH] = says(page())

    await asked(Upstream(index_url=f"{upstream.url}/simple/"))

    assert proxy.lines == []


# Whom is trusted


async def test_an_authority_of_ones_own_is_trusted(trusted: Authority) -> None:
    """An index with a certificate of the company's authority is asked like any other."""
    async with canned_upstream(trusted.server_context("127.0.0.1")) as upstream:
        upstream.answers[PATH] = says(page())

        await asked(Upstream(index_url=f"{upstream.url}/simple/", ca_file=trusted.certificate))

        assert upstream.paths() == [PATH]


async def test_an_authority_that_nobody_named_is_not_trusted(trusted: Authority, tmp_path: Path) -> None:
    """Neither without a file of authorities nor with another's; and no request gets out."""
    other = authority(tmp_path / "other")
    async with canned_upstream(trusted.server_context("127.0.0.1")) as upstream:
        for ca_file in (None, other.certificate):
            with pytest.raises(UpstreamUnavailableError, match="certificate"):
                await asked(Upstream(index_url=f"{upstream.url}/simple/", ca_file=ca_file))

        assert upstream.asked == []


async def test_a_certificate_of_another_host_is_refused(trusted: Authority) -> None:
    """The authority's word counts for the names in its certificates only."""
    async with canned_upstream(trusted.server_context("other.example.org")) as upstream:
        with pytest.raises(UpstreamUnavailableError, match="certificate"):
            await asked(Upstream(index_url=f"{upstream.url}/simple/", ca_file=trusted.certificate))


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
async def test_a_file_without_authorities_ends_the_start(tmp_path: Path, content: str | None) -> None:
    """One line names the setting and the file."""
    ca_file = tmp_path / "authorities.pem"
    if content is not None:
        ca_file.write_text(content)

    with pytest.raises(StartError, match=r"upstream\.ca_file: .*authorities\.pem") as caught:
        async with UpstreamSession(Upstream(index_url="https://index.example.org/", ca_file=ca_file)):
            raise AssertionError("it was entered")

    assert "\n" not in str(caught.value)


# Who we are


@pytest.fixture
def known(upstream: CannedUpstream) -> Upstream:
    return Upstream(index_url=f"{upstream.url}/simple/", username="me", password=SecretStr("pässword"))


async def test_the_index_and_what_is_beside_it_get_the_credentials(upstream: CannedUpstream, known: Upstream) -> None:
    """Its pages, files of the same origin, and the journal, each hop of a redirect among them."""
    upstream.answers[PATH] = redirects("/moved/leftpad/")
    upstream.answers["/moved/leftpad/"] = says(page())
    upstream.answers["/f"] = says(b"bytes")
    upstream.answers["/pypi"] = says(b"rows")

    await asked(known)
    await fetched(known, f"{upstream.url}/f", upstream.host)
    async with client_session(known) as session, session.post(known.journal_url, data=b"call"):
        pass

    assert upstream.paths() == [PATH, "/moved/leftpad/", "/f", "/pypi"]
    assert [request.headers.get("Authorization") for request in upstream.asked] == [basic("me:pässword")] * 4


async def test_nobody_else_gets_the_credentials(upstream: CannedUpstream, known: Upstream) -> None:
    """Not a file host, not one that the index redirects to, not the source of advisories; another port is another."""
    async with canned_upstream() as foreign:
        foreign.answers["/f"] = foreign.answers["/all.zip"] = says(b"bytes")
        upstream.answers["/f"] = redirects(f"{foreign.url}/f")

        await fetched(known, f"{foreign.url}/f", foreign.host)
        await fetched(known, f"{upstream.url}/f", upstream.host, foreign.host)
        async with client_session(known) as session, session.get(f"{foreign.url}/all.zip"):
            pass

        assert [request.headers.get("Authorization") for request in foreign.asked] == [None] * 3
        assert upstream.asked[0].headers["Authorization"] == basic("me:pässword")


async def test_credentials_do_not_come_back_from_elsewhere(upstream: CannedUpstream, known: Upstream) -> None:
    """A redirect that leads away and home again has them at home only."""
    async with canned_upstream() as foreign:
        upstream.answers["/f"] = redirects(f"{foreign.url}/away")
        foreign.answers["/away"] = redirects(f"{upstream.url}/home")
        upstream.answers["/home"] = says(b"bytes")

        await fetched(known, f"{upstream.url}/f", upstream.host, foreign.host)

        assert "Authorization" not in foreign.asked[0].headers
        assert upstream.asked[-1].headers["Authorization"] == basic("me:pässword")


async def test_an_index_that_refuses_is_told_of_without_the_password(upstream: CannedUpstream, known: Upstream) -> None:
    """The status is enough."""
    upstream.answers[PATH] = says(status=401)

    with capture_logs() as logs, pytest.raises(UpstreamUnavailableError, match="401") as caught:
        await asked(known)

    assert "pässword" not in f"{caught.value!r} {logs} {known!r}"


def test_a_password_needs_a_name_to_go_with_it() -> None:
    """A name without a password is fine: some indexes take a token for a name."""
    with pytest.raises(ValueError, match="needs a username"):
        Upstream(index_url="http://127.0.0.1/simple/", password=SecretStr("secret"))
    Upstream(index_url="http://127.0.0.1/simple/", username="token")
