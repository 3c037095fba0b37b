"""Where names may lead: what is judged is what is connected to."""

import pytest
from aiohttp.abc import AbstractResolver

from mirror.errors import UpstreamUnavailableError
from mirror.setting_sections import Upstream
from mirror.upstream.files import open_file
from mirror.upstream.resolver import JudgingResolver, NotPublicError
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, redirects, says
from tests.mirror.upstream.names import Names

INDEX = "https://index.example.org/simple/"
PUBLIC, INSIDE = "93.184.216.34", "10.0.0.8"


async def resolved(names: AbstractResolver, host: str, port: int = 443, *named: str, index: str = INDEX) -> list[str]:
    return [found["host"] for found in await JudgingResolver(index, named, inner=names).resolve(host, port)]


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.8",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "192.0.0.192",
        "168.63.129.16",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.8",
        "64:ff9b::a00:8",
        "64:ff9b:1::a00:8",
        "2002:a00:8::1",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "no address",
    ],
)
async def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    """However the address is written, wrapped or tunnelled, and beside a public one it is left out."""
    with pytest.raises(NotPublicError, match="allowed_file_hosts"):
        await resolved(Names({"files.example.org": [[address]], "index.example.org": [[PUBLIC]]}), "files.example.org")

    assert await resolved(Names({"files.example.org": [[address, PUBLIC]]}), "files.example.org") == [PUBLIC]


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"])
async def test_public_addresses_are_connected_to(address: str) -> None:
    """Also those that a gateway of an IPv6-only network makes of them."""
    assert await resolved(Names({"files.example.org": [[address]]}), "files.example.org") == [address]


async def test_what_the_settings_name_may_be_anywhere() -> None:
    """The index itself on its port, and what an operator lists; no other port of these hosts."""
    names = Names({name: [[INSIDE]] for name in ("files.example.org", "cdn.example.org")})
    index = Names({"index.example.org": [[PUBLIC], [INSIDE]], "files.example.org": [[INSIDE]]})

    assert await resolved(names, "files.example.org", 443, "Files.Example.org.") == [INSIDE]
    assert await resolved(names, "cdn.example.org", 8443, "cdn.example.org:8443") == [INSIDE]
    assert await resolved(index, "index.example.org", 443) == [PUBLIC]
    assert await resolved(index, "index.example.org", 443) == [INSIDE]
    other_port = Names({"cdn.example.org": [[INSIDE]], "index.example.org": [[PUBLIC]]})
    with pytest.raises(NotPublicError):
        await resolved(other_port, "cdn.example.org", 9200, "cdn.example.org:8443")


async def test_where_the_index_lives_inside_its_files_may_too() -> None:
    """A company's index and its file host are both in the company's network; what its name says first counts."""
    names = Names({"index.example.org": [[INSIDE], [PUBLIC]], "files.example.org": [["10.0.0.9"]]})
    judging = JudgingResolver(INDEX, (), inner=names)

    for _ in range(2):
        assert [found["host"] for found in await judging.resolve("files.example.org", 443)] == ["10.0.0.9"]
    assert names.asked.count("index.example.org") == 1
    assert await resolved(names, "files.example.org", index="http://127.0.0.1:8000/simple/") == ["10.0.0.9"]


async def test_an_index_whose_whereabouts_nobody_knows_vouches_for_nothing() -> None:
    """It fails closed."""
    with pytest.raises(OSError, match="no such name"):
        await resolved(Names({"files.example.org": [[INSIDE]]}), "files.example.org")


async def test_a_name_that_changes_its_mind_reaches_nothing_inside(upstream: CannedUpstream) -> None:
    """Public when it was looked at before and inside at the connection: judged is what is connected to."""
    port = int(upstream.host.rpartition(":")[2])
    names = Names({"files.example.org": [[PUBLIC], ["127.0.0.1"]], "index.example.org": [[PUBLIC]]})
    place = f"files.example.org:{port}"
    upstream.answers["/f"] = says(b"bytes")
    assert await resolved(names, "files.example.org", port) == [PUBLIC]

    async with UpstreamSession(Upstream(index_url=INDEX), resolver=names) as session:
        with pytest.raises(UpstreamUnavailableError, match=r"no public address.*allowed_file_hosts"):
            async with open_file(session, f"http://{place}/f", allowed_hosts=[place]):
                raise AssertionError("it was connected to")

    assert upstream.asked == []


async def test_a_listed_host_is_resolved_once_and_connected_to_there(upstream: CannedUpstream) -> None:
    """No second look at the name follows, which could say something else."""
    place = f"files.example.org:{upstream.host.rpartition(':')[2]}"
    names = Names({"files.example.org": [["127.0.0.1"], ["127.0.0.2"]]})
    upstream.answers["/f"] = says(b"bytes")
    settings = Upstream(index_url=INDEX, allowed_file_hosts=(place,))

    async with (
        UpstreamSession(settings, resolver=names) as session,
        open_file(session, f"http://{place}/f", allowed_hosts=[place]) as body,
    ):
        assert [chunk async for chunk in body.chunks()] == [b"bytes"]

    assert names.asked == ["files.example.org"]


async def test_every_hop_is_judged(upstream: CannedUpstream) -> None:
    """Also where a listed host sends on to one that leads inside."""
    port = upstream.host.rpartition(":")[2]
    here, there = f"files.example.org:{port}", f"cdn.example.org:{port}"
    names = Names(
        {"files.example.org": [["127.0.0.1"]], "cdn.example.org": [["127.0.0.1"]], "index.example.org": [[PUBLIC]]}
    )
    upstream.answers["/f"] = redirects(f"http://{there}/g")
    upstream.answers["/g"] = says(b"bytes")

    async with UpstreamSession(Upstream(index_url=INDEX, allowed_file_hosts=(here,)), resolver=names) as session:
        with pytest.raises(UpstreamUnavailableError, match=r"cdn\.example\.org has no public address"):
            async with open_file(session, f"http://{here}/f", allowed_hosts=[here, there]):
                raise AssertionError("it was connected to")

    assert upstream.paths() == ["/f"]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost"])
async def test_odd_spellings_of_addresses_lead_nowhere(upstream: CannedUpstream, host: str) -> None:
    """Those that a system would take for an address are refused like the address."""
    place = f"{host}:{upstream.host.rpartition(':')[2]}"

    async with UpstreamSession(Upstream(index_url="http://93.184.216.34/simple/")) as session:
        with pytest.raises(UpstreamUnavailableError):
            async with open_file(session, f"http://{place}/f", allowed_hosts=[place]):
                raise AssertionError("it was connected to")

    assert upstream.asked == []
