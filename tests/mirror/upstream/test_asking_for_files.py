"""Asking for a file's bytes."""

import gzip

import pytest

from mirror.errors import NotThereError, RefusedError, UpstreamUnavailableError
from mirror.upstream.files import open_file
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, canned_upstream, redirects, says, streams

BODY = bytes(range(256)) * 4096


async def fetched(session: UpstreamSession, upstream: CannedUpstream, path: str = "/f") -> tuple[int | None, bytes]:
    async with open_file(session, upstream.url + path, allowed_hosts=(upstream.host,)) as body:
        return body.size, b"".join([chunk async for chunk in body.chunks()])


async def test_a_file_arrives_with_its_size(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """It is asked for without an encoding."""
    upstream.answers["/f"] = says(BODY)

    assert await fetched(session, upstream) == (len(BODY), BODY)
    assert upstream.asked[0].headers["Accept-Encoding"] == "identity"


async def test_a_file_without_an_announced_size_arrives_too(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """Chunked transfer announces nothing."""
    upstream.answers["/f"] = streams([BODY, BODY])

    assert await fetched(session, upstream) == (None, BODY + BODY)


async def test_bytes_stay_as_they_were_sent(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """A server that labels an archive as encoded does not make this mirror unpack it."""
    archive = gzip.compress(BODY)
    upstream.answers["/f"] = says(archive, headers={"Content-Encoding": "gzip"})

    assert await fetched(session, upstream) == (None, archive)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_file_that_is_gone_is_not_there(
    session: UpstreamSession, upstream: CannedUpstream, status: int
) -> None:
    """The three ways in which file hosts say so."""
    upstream.answers["/f"] = says(status=status)

    with pytest.raises(NotThereError, match=str(status)):
        await fetched(session, upstream)


@pytest.mark.parametrize("status", [204, 206, 401, 429, 500, 503])
async def test_anything_else_is_no_answer(session: UpstreamSession, upstream: CannedUpstream, status: int) -> None:
    """A part of a file, for instance, was not asked for."""
    upstream.answers["/f"] = says(status=status)

    with pytest.raises(UpstreamUnavailableError, match=str(status)):
        await fetched(session, upstream)


async def test_a_foreign_host_is_never_asked(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """Neither directly nor behind a redirect."""
    async with canned_upstream() as foreign:
        foreign.answers["/f"] = says(BODY)
        upstream.answers["/f"] = redirects("/g")
        upstream.answers["/g"] = redirects(f"{foreign.url}/f")

        with pytest.raises(RefusedError, match="allowed_file_hosts"):
            async with open_file(session, f"{foreign.url}/f", allowed_hosts=(upstream.host,)):
                raise AssertionError("a foreign host was asked")
        with pytest.raises(UpstreamUnavailableError, match="does not follow"):
            await fetched(session, upstream)

        assert foreign.asked == []
        assert upstream.paths() == ["/f", "/g"]


async def test_a_redirect_to_an_allowed_host_is_followed(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """An index may hand its files out through another host, as long as that is allowed."""
    async with canned_upstream() as store:
        store.answers["/f"] = says(BODY)
        upstream.answers["/f"] = redirects(f"{store.url}/f")

        async with open_file(session, f"{upstream.url}/f", allowed_hosts=(upstream.host, store.host)) as body:
            assert b"".join([chunk async for chunk in body.chunks()]) == BODY


async def test_a_body_that_breaks_off_is_noticed(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """Fewer bytes than announced are never taken for all of them."""
    upstream.answers["/f"] = streams([BODY], announced=len(BODY) + 1, breaks=True)

    with pytest.raises(UpstreamUnavailableError, match="broke off"):
        await fetched(session, upstream)
