"""Does a PostgreSQL answer on a Unix socket? Asked with the smallest conversation the protocol has.

"Frontend/Backend Protocol", PostgreSQL documentation, sections "Start-up" and "Message Formats".
"""

import asyncio
import struct
from contextlib import suppress
from enum import Enum
from pathlib import Path

from mirror.postgres.places import DATABASE, SUPERUSER

_PROTOCOL_3_0 = 196608
_CANNOT_CONNECT_NOW = b"C57P03"  # starting up, recovering or shutting down
_TERMINATE = b"X" + struct.pack("!I", 4)
_PATIENCE_SECONDS = 5.0
_MESSAGE_BYTES_MAX = 65536


class Answer(Enum):
    """What a socket says."""

    SILENT = "nobody listens"
    BUSY = "starting, recovering or stopping"
    READY = "accepts connections"


async def ask(socket: Path) -> Answer:
    """One attempt to connect. A refusal for another reason than being busy still means a server that accepts."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                return await _converse(reader, writer)
            finally:
                writer.close()
                with suppress(OSError):  # the other side may be gone already, which is what closing wants
                    await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return Answer.SILENT


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    parameters = b"".join(
        part.encode() + b"\0" for part in ("user", SUPERUSER, "database", DATABASE, "application_name", "everpin", "")
    )
    writer.write(struct.pack("!II", len(parameters) + 8, _PROTOCOL_3_0) + parameters)
    while True:
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        if not 4 <= length <= _MESSAGE_BYTES_MAX:
            return Answer.SILENT
        body = await reader.readexactly(length - 4)
        if kind == b"E":
            return Answer.BUSY if _CANNOT_CONNECT_NOW in body.split(b"\0") else Answer.READY
        # Read to ReadyForQuery: leaving earlier makes the server log a lost connection.
        if kind == b"Z":
            writer.write(_TERMINATE)
            return Answer.READY
