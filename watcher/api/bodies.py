"""What clients send, taken with care: never more than is allowed, and not for ever."""

import asyncio

from aiohttp import web

from mirror.web.problems import Problem

_PIECE = 2**16
_LONGEST_WAIT_SECONDS = 60.0


async def body_of(request: web.Request, *, most_bytes: int) -> bytes:
    """The body, unpacked where it came packed. Raises Problem where it is larger, is broken, or takes too long."""
    too_large = Problem(413, "Content Too Large", f"at most {most_bytes} bytes are taken")
    if (request.content_length or 0) > most_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            async for piece in request.content.iter_chunked(_PIECE):
                body += piece
                if len(body) > most_bytes:
                    raise too_large
    except TimeoutError as e:
        raise Problem(408, "Request Timeout", "the body did not arrive in time") from e
    except (web.RequestPayloadError, OSError) as e:
        raise Problem(400, "Bad Request", "the body is broken, or ended too early") from e
    return bytes(body)
