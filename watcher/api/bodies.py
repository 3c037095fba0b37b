"""What clients send, taken with care: never more than is allowed, and not for ever."""

import asyncio
import zlib

from aiohttp import hdrs, web

from mirror.web.problems import Problem

_PIECE = 2**16
_LONGEST_WAIT_SECONDS = 60.0


async def body_of(request: web.Request, *, most_bytes: int) -> bytes:
    """The body, unpacked where it came packed. Raises Problem where it is larger, is broken, or takes too long."""
    too_large = Problem(413, "Content Too Large", f"at most {most_bytes} bytes are taken")
    broken = Problem(400, "Bad Request", "the body is broken, or ended too early")
    unpack = _unpacking(request)
    if (request.content_length or 0) > most_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            async for piece in request.content.iter_chunked(_PIECE):
                # One byte more than may be: so much is enough to know that it is too much.
                body += piece if unpack is None else unpack.decompress(piece, most_bytes + 1 - len(body))
                if len(body) > most_bytes:
                    raise too_large
                if unpack is not None and unpack.unused_data:
                    raise broken  # what comes behind the end would not be read
            if unpack is not None and not unpack.eof:
                raise broken
    except TimeoutError as e:
        raise Problem(408, "Request Timeout", "the body did not arrive in time") from e
    except (web.RequestPayloadError, OSError, zlib.error) as e:
        raise broken from e
    return bytes(body)


def _unpacking(request: web.Request) -> "zlib._Decompress | None":
    """What unpacks the body. The server leaves it packed; None where it is not."""
    match request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # whichever of the two its beginning says
        case _:
            raise Problem(415, "Unsupported Media Type", "the body may be packed with gzip or deflate")
