"""A small HTTP proxy on a free port of 127.0.0.1 that notes what it was asked for.

It opens tunnels (CONNECT) and passes plain requests on, marked with `Via`. `leads` says where hosts really are, since a
proxy resolves names itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class ForwardProxy:
    """`lines` are the request lines it got, `authorized` the `Proxy-Authorization` of each, None where it had none."""

    url: str = ""
    leads: dict[str, tuple[str, int]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    authorized: list[str | None] = field(default_factory=list)
    demands: str | None = None
    """The only `Proxy-Authorization` that it serves, where it is not None."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                await self._request(head, reader, writer)
                if head[0].startswith("CONNECT"):
                    break
        finally:
            writer.close()

    async def _request(self, head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fields = dict(line.lower().partition(": ")[::2] for line in head[1:])
        raw = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in head[1:]}
        self.lines.append(head[0])
        self.authorized.append(raw.get("proxy-authorization"))
        if self.demands is not None and raw.get("proxy-authorization") != self.demands:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        method, target, version = head[0].split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            there = await asyncio.open_connection(*self.leads.get(target, (host, int(port))))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
            return
        url = urlsplit(target)
        place = self.leads.get(url.netloc, (url.hostname or "", url.port or 80))
        from_there, to_there = await asyncio.open_connection(*place)
        kept = [line for line in head[1:] if not line.lower().startswith(("proxy-", "connection:"))]
        path = target.removeprefix(f"{url.scheme}://{url.netloc}")
        to_there.write(
            "\r\n".join([f"{method} {path} {version}", *kept, "Via: 1.1 proxy", "Connection: close", "", ""]).encode()
        )
        to_there.write(await reader.readexactly(int(fields.get("content-length", 0))))
        writer.write(await from_there.read())
        await writer.drain()
        to_there.close()


async def _head(reader: asyncio.StreamReader) -> list[str]:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return []


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Once one side has hung up, there is nobody to pass on to.
    with suppress(ConnectionError), closing(writer):
        while piece := await reader.read(2**16):
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def forward_proxy() -> AsyncIterator[ForwardProxy]:
    """Runs a proxy; what it still passes on at the end is cut off."""
    proxy = ForwardProxy()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        task.add_done_callback(running.discard)
        await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()
