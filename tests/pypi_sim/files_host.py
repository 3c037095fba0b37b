"""The files host over HTTP: everything ever uploaded, whether it is still listed or not."""

import asyncio
import hashlib

from aiohttp import web
from packaging.utils import canonicalize_name

from tests.pypi_sim import accidents
from tests.pypi_sim.faults import Faults, FileFault
from tests.pypi_sim.files import packagetype
from tests.pypi_sim.model import File
from tests.pypi_sim.warehouse import Warehouse

_CHUNK = 64 * 1024
_TICK = 0.05
_SOUND = FileFault()


class FilesHost:
    """Serves bytes by their content address; independent of the index as upstream's is."""

    def __init__(self, warehouse: Warehouse, faults: Faults) -> None:
        self.closing = asyncio.Event()
        self._warehouse = warehouse
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        """Every path of the host."""
        path = "/packages/{first}/{second}/{rest}/{filename}"
        return [web.get(path, self._serve), web.options(path, self._options)]

    async def _options(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Access-Control-Allow-Origin": "*", "Allow": "GET, HEAD, OPTIONS"})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        fault = self._faults.files.get(request.match_info["filename"], _SOUND)
        if fault.first_byte_after:
            await self._pause(fault.first_byte_after)
        if fault.status is not None:
            return web.Response(status=fault.status, text=f"{fault.status}\n")
        found = self._find(request.path)
        if found is None:
            return web.Response(status=404, text="404 Not Found\n")
        file, body, content_type = found
        body = _spoilt(body, fault)
        headers = _headers(file, body, content_type)
        body, status = _ranged(request, body, headers)
        if fault.streams and request.method == "GET" and status != 416:
            return await self._stream(request, body, fault, web.StreamResponse(status=status, headers=headers))
        return web.Response(status=status, body=body, headers=headers)

    def _find(self, path: str) -> tuple[File, bytes, str] | None:
        file = self._warehouse.stored.get(path.removesuffix(".metadata"))
        if file is None or self._faults.is_forgotten(file.filename):
            return None
        if not path.endswith(".metadata"):
            return file, file.content, "application/octet-stream"
        if file.metadata is None:
            return None
        return file, file.metadata, "application/octet-stream"

    async def _stream(
        self, request: web.Request, body: bytes, fault: FileFault, response: web.StreamResponse
    ) -> web.StreamResponse:
        response.content_length = len(body)
        await response.prepare(request)
        cuts = [cut for cut in (fault.truncated_to, fault.reset_after) if cut is not None]
        await self._write(response, body[: min(cuts)] if cuts else body, fault)
        if fault.reset_after is not None:
            accidents.abort(request)
        elif fault.truncated_to is not None and request.transport is not None:
            request.transport.close()
        else:
            await response.write_eof()
        return response

    async def _write(self, response: web.StreamResponse, body: bytes, fault: FileFault) -> None:
        if fault.hold_after is not None:
            if fault.hold_after:
                await response.write(body[: fault.hold_after])
            body = body[fault.hold_after :]
            await self._until_released(fault.gate)
        if fault.bytes_per_second is None:
            for start in range(0, len(body), _CHUNK):
                await response.write(body[start : start + _CHUNK])
            return
        step = max(1, int(fault.bytes_per_second * _TICK))
        for start in range(0, len(body), step):
            if self.closing.is_set():
                return
            await response.write(body[start : start + step])
            await self._pause(step / fault.bytes_per_second)

    async def _until_released(self, gate: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(self.closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return


def _spoilt(body: bytes, fault: FileFault) -> bytes:
    if fault.wrong_bytes:
        body = bytes(byte ^ 0xFF for byte in body[:64]) + body[64:]
    if fault.shortened_to is not None:
        body = body[: fault.shortened_to]
    return body


def _headers(file: File, body: bytes, content_type: str) -> dict[str, str]:
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return {
        "Content-Type": content_type,
        "ETag": f'"{digest}"',
        "Cache-Control": "max-age=365000000, immutable, public",
        "Accept-Ranges": "bytes",
        "Access-Control-Allow-Origin": "*",
        "x-pypi-file-project": canonicalize_name(file.project),
        "x-pypi-file-version": file.version,
        "x-pypi-file-package-type": packagetype(file),
        "x-pypi-file-python-version": file.python_version,
    }


def _ranged(request: web.Request, body: bytes, headers: dict[str, str]) -> tuple[bytes, int]:
    """The asked part of the body; a range that cannot be read is ignored, one beyond the end is a 416."""
    if "Range" not in request.headers:
        return body, 200
    try:
        asked = request.http_range
    except ValueError:
        return body, 200
    start, stop, _ = asked.indices(len(body))
    if start >= len(body) or start >= stop:
        headers["Content-Range"] = f"bytes */{len(body)}"
        return b"", 416
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
    return body[start:stop], 206
