"""Where deliveries may go: to public addresses, and to others only where that was allowed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.mirror.upstream.authorities import authority
from tests.mirror.upstream.names import Names
from tests.watcher.webhooks.receivers import Receiver, receiver
from watcher.webhooks.egress import (
    Answer,
    PublicResolver,
    RefusedTargetError,
    UndeliveredError,
    post,
    sending_session,
)

PUBLIC = "93.184.216.34"
LONG = timedelta(seconds=60)
HOOK = "hooks.example.org"


@pytest_asyncio.fixture
async def receiving() -> AsyncIterator[Receiver]:
    """Somebody who receives on a loopback address."""
    async with receiver() as running:
        yield running


async def sent(
    url: str, *, allow_private: bool = True, names: Names | None = None, timeout: timedelta = LONG
) -> Answer:
    """What is answered to a delivery that is sent there."""
    async with sending_session(allow_private=allow_private, resolver=names) as session:
        return await post(session, url, content=b"{}", headers={"webhook-id": "1"}, timeout=timeout)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "①②⑦.⓪.⓪.①",
        "localhost",
        "LocalHost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "224.0.0.1",
    ],
)
async def test_a_private_address_is_never_connected_to_however_it_is_spelled(receiving: Receiver, host: str) -> None:
    """The system resolves what it takes for a name; the receiver, who listens there, hears nothing."""
    port = URL(receiving.url).port

    with pytest.raises(RefusedTargetError):
        await sent(f"http://{host}:{port}/hook", allow_private=False)

    assert receiving.got == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], [PUBLIC, "64:ff9b::7f00:1"]]
)
async def test_a_name_that_leads_inside_is_refused_whole(receiving: Receiver, addresses: list[str]) -> None:
    """Also where it leads to a public address beside; the sentence names the host, and no more of the URL."""
    names = Names({HOOK: [addresses]})

    with pytest.raises(RefusedTargetError) as refused:
        await sent(f"http://{HOOK}:{URL(receiving.url).port}/s3cret", allow_private=False, names=names)

    assert receiving.got == []
    assert str(refused.value).startswith(f"{HOOK} is not a public address or leads to one that is not;")
    assert "allow_private" in str(refused.value)
    assert "s3cret" not in str(refused.value)


async def test_a_name_that_leads_outside_is_followed() -> None:
    """To all of its addresses."""
    addresses = [PUBLIC, "2606:2800:220::1"]

    found = await PublicResolver(Names({HOOK: [addresses]})).resolve(HOOK, 443)

    assert [one["host"] for one in found] == addresses


async def test_a_name_is_resolved_once_and_connected_to_there(receiving: Receiver) -> None:
    """No second look follows, which could say something else; and where it is allowed, it may be private."""
    names = Names({HOOK: [["127.0.0.1"], [PUBLIC]]})

    answer = await sent(f"http://{HOOK}:{URL(receiving.url).port}/hook?token=1", names=names)

    assert answer == Answer(204, None)
    assert names.asked == [HOOK]
    (got,) = receiving.got
    assert (got.path, got.content, got.headers["webhook-id"]) == ("/hook?token=1", b"{}", "1")
    assert got.headers["user-agent"].startswith("everpin/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(receiving: Receiver, status: int) -> None:
    """It is an answer like another, and nothing is sent on."""
    receiving.status, receiving.headers = status, {"Location": receiving.url, "Retry-After": "7"}

    answer = await sent(receiving.url)

    assert answer == Answer(status, "7")
    assert not answer.is_success
    assert len(receiving.got) == 1


async def test_the_environment_does_not_say_where_to_go(receiving: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy could be asked for any address."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert (await sent(receiving.url)).is_success


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Before anything was sent."""
    context = authority(tmp_path / "unknown").server_context("127.0.0.1")

    async with receiver(tls=context) as running:
        with pytest.raises(UndeliveredError, match="its certificate is not one to trust"):
            await sent(running.url)

    assert running.url.startswith("https://")
    assert running.got == []


async def test_a_receiver_that_never_ends_is_not_waited_for() -> None:
    """Its status counts, and of its body no more is read than so much; without a status the time is what ends it."""

    given_up = asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 4096)
        return response

    async def dawdle(request: web.Request) -> web.StreamResponse:
        await given_up.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/pour", pour)
    app.router.add_post("/dawdle", dawdle)
    async with TestServer(app) as server:
        assert (await sent(str(server.make_url("/pour")))).is_success
        with pytest.raises(UndeliveredError, match=r"no answer within 0\.1 s"):
            await sent(str(server.make_url("/dawdle")), timeout=timedelta(seconds=0.1))
        given_up.set()


async def test_what_went_wrong_is_said_without_the_url(receiving: Receiver) -> None:
    """Some of these addresses are secrets."""
    nobody = Names({})
    port = URL(receiving.url).port

    with pytest.raises(UndeliveredError) as unknown:
        await sent(f"http://{HOOK}:{port}/s3cret", names=nobody)
    with pytest.raises(UndeliveredError) as closed:
        await sent("http://127.0.0.1:9/s3cret")
    with pytest.raises(RefusedTargetError) as unusable:
        await sent("http://user:s3cret@127.0.0.1/")

    assert str(unknown.value) == "its name has no address"
    assert str(closed.value).startswith("no connection: ")
    assert "s3cret" not in f"{closed.value}{unusable.value}"
