"""Bodies that are too large to be held: by the kernel from an open file, or in chunks from wherever they come.

All that reaches below what a web handler usually touches is here. uvloop has no `sendfile`, and then aiohttp copies the
file through Python; so this sends by itself, in the same way under every loop. It relies on what asyncio documents of
transports and on this: a socket can be duplicated, and its duplicate watched, while the transport that owns the
original has nothing to write. A loop refuses to watch the descriptor of one of its own transports, hence the duplicate.
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from mirror.errors import StoreError

_AT_ONCE = 256 * 2**10
"""The kernel reads so much of a file in one go. Others wait that long when it is not in its cache."""
_NEAR_BUFFER = 256 * 2**10
_NEAR_MICROSECONDS = 2_000
# Where struct tcp_info (linux/tcp.h) has `tcpi_rtt`, in microseconds.
_RTT_AT = 68
_CHUNK = 256 * 2**10
_LONGEST_SILENCE_SECONDS = 120.0
"""A client that takes nothing for so long is given up: it would keep files open, and the room of deleted ones."""
_CLIENT_GONE = (ConnectionError, TimeoutError)
"""How a connection ends that was broken off at the other end, or that nobody answers on any more."""


async def send_file(request: web.Request, answer: web.StreamResponse, descriptor: int, start: int, stop: int) -> bool:
    """Sends the answer with these bytes of an open file as its body, and says whether the client took all of it.

    The descriptor stays the caller's. Raises StoreError where the file cannot be read or is too short; then the
    connection is broken off, as whenever this does not end well.
    """
    with _breaking_off(request):
        try:
            writer = await answer.prepare(request)
            transport = request.transport
            if writer is None or transport is None:
                raise ConnectionResetError("the client is gone")
            sock = transport.get_extra_info("socket")
            if sock is None or transport.get_extra_info("sslcontext") is not None:
                await _copy(answer, descriptor, start, stop)
            else:
                await _hand_over(writer, transport, sock, _Sent(descriptor, start, stop))
                writer.output_size += stop - start
            await answer.write_eof()
        except _CLIENT_GONE:
            _abort(request)
            return False
    return True


async def send_chunks(request: web.Request, answer: web.StreamResponse, chunks: AsyncIterator[bytes]) -> bool:
    """Sends the answer with these bytes as its body, no faster than they are taken; else as `send_file`."""
    with _breaking_off(request):
        try:
            await answer.prepare(request)
        except _CLIENT_GONE:
            _abort(request)
            return False
        async for chunk in chunks:
            # Only here: a failure of the other side, where the chunks come from, is not the client's.
            try:
                async with asyncio.timeout(_LONGEST_SILENCE_SECONDS):
                    await answer.write(chunk)
            except _CLIENT_GONE:
                _abort(request)
                return False
        try:
            await answer.write_eof()
        except _CLIENT_GONE:
            _abort(request)
            return False
    return True


async def begun_with(chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The chunks, once the first one is there: what goes wrong before that can still be told in an answer.

    Closing `chunks` stays the caller's.
    """
    first = await anext(chunks, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return all_of_them()


@contextmanager
def _breaking_off(request: web.Request) -> Iterator[None]:
    """With the headers out, breaking the connection is the only honest way to say that the rest is missing."""
    try:
        yield
    except BaseException:
        _abort(request)
        raise


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _copy(answer: web.StreamResponse, descriptor: int, start: int, stop: int) -> None:
    """As chunks, where the kernel cannot write to the connection by itself."""
    while start < stop:
        try:
            chunk = await asyncio.to_thread(os.pread, descriptor, min(_CHUNK, stop - start), start)
        except OSError as e:
            raise StoreError(f"an object could not be read: {e.strerror}") from e
        if not chunk:
            raise StoreError("an object became shorter while it was sent")
        async with asyncio.timeout(_LONGEST_SILENCE_SECONDS):
            await answer.write(chunk)
        start += len(chunk)


class _Sent:
    """How far a file was sent. `go_on` is called whenever the connection takes more."""

    def __init__(self, descriptor: int, start: int, stop: int) -> None:
        self._descriptor = descriptor
        self.position = start
        self._stop = stop
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def go_on(self, transport: asyncio.Transport, connection: int) -> None:
        if self.over.done():
            return
        if transport.is_closing():
            # The duplicate would keep alive what somebody else has given up.
            self.over.set_exception(ConnectionResetError("the connection was closed"))
            return
        wanted = min(_AT_ONCE, self._stop - self.position)
        try:
            sent = os.sendfile(connection, self._descriptor, self.position, wanted)
        except (BlockingIOError, InterruptedError):
            return
        except _CLIENT_GONE as e:
            self.over.set_exception(e)
            return
        except OSError as e:
            self.over.set_exception(StoreError(f"an object could not be sent: {e.strerror}"))
            return
        self.position += sent
        if self.position == self._stop:
            self.over.set_result(None)
        elif sent == 0:
            self.over.set_exception(StoreError("an object became shorter while it was sent"))


def _keep_close(sock: socket.socket) -> None:
    """Bounds what the kernel holds for a near client.

    Left alone it takes megabytes, which have left the processor's caches by the time they are read: with many clients
    at once that halves what they get. A distant client needs as much in flight as the kernel finds out.
    """
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_AT + 4)
        if len(info) == _RTT_AT + 4 and struct.unpack_from("=I", info, _RTT_AT)[0] <= _NEAR_MICROSECONDS:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _NEAR_BUFFER)
    except OSError:
        # No TCP, or a connection that is gone, which whoever sends will notice.
        return


async def _hand_over(
    writer: AbstractStreamWriter, transport: asyncio.Transport, sock: socket.socket, sent: _Sent
) -> None:
    """Lets the kernel send, once what the transport has still to write is out."""
    loop = asyncio.get_running_loop()
    # Reading stops meanwhile: at the end of what a client has to say the transport would close itself, also on one that
    # still listens.
    was_reading = transport.is_reading()
    if was_reading:
        transport.pause_reading()
    try:
        async with asyncio.timeout(_LONGEST_SILENCE_SECONDS):
            await _flushed(writer, transport)
        _keep_close(sock)
        connection = os.dup(sock.fileno())
        try:
            loop.add_writer(connection, sent.go_on, transport, connection)
            try:
                await _taken(sent)
            finally:
                loop.remove_writer(connection)
        finally:
            os.close(connection)
    finally:
        if was_reading and not transport.is_closing():
            transport.resume_reading()


async def _taken(sent: _Sent) -> None:
    """Waits until the client has taken all. Raises TimeoutError where it has stopped to take anything."""
    while True:
        before = sent.position
        done, _ = await asyncio.wait([sent.over], timeout=_LONGEST_SILENCE_SECONDS)
        if done:
            return sent.over.result()
        if sent.position == before:
            raise TimeoutError("the client takes nothing any more")


async def _flushed(writer: AbstractStreamWriter, transport: asyncio.Transport) -> None:
    """Waits until the transport has handed everything to the kernel, so that nothing overtakes it."""
    if transport.is_closing():
        raise ConnectionResetError("the connection was closed")
    low, high = transport.get_write_buffer_limits()
    # With no room in its buffer a transport pauses its protocol until the buffer is empty.
    transport.set_write_buffer_limits(high=0)
    try:
        while transport.get_write_buffer_size():
            await writer.drain()
            if transport.is_closing():
                raise ConnectionResetError("the connection was closed")
            if transport.get_write_buffer_size():
                # uvloop writes at the end of the loop's turn.
                await asyncio.sleep(0)
    finally:
        transport.set_write_buffer_limits(high=high, low=low)
