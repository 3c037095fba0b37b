"""A source of advisories of one's own: OSV's records of PyPI as its bucket serves them, over loopback.

`publish`, `withdraw` and `forget` change what it knows; `all.zip`, `modified_id.csv` and a file for each record follow
at once, unless `stale_archive` keeps the archive as it was. What goes wrong is set in `faults`, by the name of the
document or `*` for all. `requests` are the names that were asked for, with the status that was answered.
"""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import msgspec
from aiohttp import web

Fault: TypeAlias = Literal["down", "slow", "truncated", "bomb", "nonsense", "gone", "astray"]

ALL_VERSIONS: dict[str, Any] = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}
_GOODBYE_SECONDS = 1.0


class OsvSim:
    """An async context manager that listens while it is entered. `now` is what records are stamped with."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.records: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, Fault] = {}
        self.requests: list[tuple[str, int]] = []
        self.etags = True
        self.stale_archive: bytes | None = None
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; a second start after a stop takes the same port again."""
        self._stopped.clear()
        app = web.Application()
        app.router.add_get("/PyPI/{name}", self._document)
        self._runner = web.AppRunner(app, shutdown_timeout=_GOODBYE_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops listening; who waits is cut off."""
        self._stopped.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Where the records of PyPI are."""
        return f"http://127.0.0.1:{self._port}/PyPI"

    def publish(
        self, id_: str, project: str, *, versions: Sequence[str] = (), ranges: Sequence[dict[str, Any]] = ()
    ) -> None:
        """A record that calls these versions of the project malware, new or in place of what it said before."""
        self.records[id_] = {
            "schema_version": "1.7.4",
            "id": id_,
            "modified": self._stamp(),
            "published": self._stamp(),
            "summary": f"Malicious code in {project} (PyPI)",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": project, "purl": f"pkg:pypi/{project}"},
                    "versions": list(versions),
                    "ranges": list(ranges),
                    "database_specific": {"source": "simulated"},
                }
            ],
            "database_specific": {"malicious-packages-origins": []},
        }

    def withdraw(self, id_: str) -> None:
        """The record is taken back, as records are: it stays and says so."""
        stamp = self._stamp()
        self.records[id_] = {**self.records[id_], "modified": stamp, "withdrawn": stamp}

    def forget(self, id_: str) -> None:
        """The record is no longer there, which never happens."""
        del self.records[id_]

    def asked(self, name: str) -> list[int]:
        """The statuses with which that document was answered."""
        return [status for asked, status in self.requests if asked == name]

    def archive(self) -> bytes:
        """All records in one file."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for id_, record in sorted(self.records.items()):
                # Always of the same time, so that the same records have the same tag.
                archive.writestr(zipfile.ZipInfo(f"{id_}.json"), msgspec.json.encode(record))
        return packed.getvalue()

    def changes(self) -> bytes:
        """A line for each record, the newest first."""
        newest_first = sorted(self.records.values(), key=lambda record: str(record["modified"]), reverse=True)
        return "".join(f"{record['modified']},{record['id']}\n" for record in newest_first).encode()

    def _stamp(self) -> str:
        return self.now().astimezone(UTC).isoformat().replace("+00:00", "Z")

    async def _document(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        fault = self.faults.get(name) or self.faults.get("*")
        response = await self._answer(request, name, fault)
        self.requests.append((name, response.status))
        return response

    async def _answer(self, request: web.Request, name: str, fault: Fault | None) -> web.Response:
        if fault == "down":
            return web.Response(status=503)
        if fault == "gone":
            return web.Response(status=404)
        if fault == "astray":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})
        if fault == "slow":
            await self._stopped.wait()
        body = self._body(name)
        if body is None:
            return web.Response(status=404)
        if fault == "bomb":
            body = _bomb()
        elif fault == "truncated":
            body = body[: len(body) // 2]
        elif fault == "nonsense":
            body = b"<html>" + b"x" * 100 + b"</html>"
        return self._tagged(request, body)

    def _body(self, name: str) -> bytes | None:
        if name == "all.zip":
            return self.stale_archive or self.archive()
        if name == "modified_id.csv":
            return self.changes()
        record = self.records.get(name.removesuffix(".json"))
        return msgspec.json.encode(record) if record is not None else None

    def _tagged(self, request: web.Request, body: bytes) -> web.Response:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.etags and request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": tag} if self.etags else {})


def _bomb() -> bytes:
    """Records that unpack to a thousand times their size."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"MAL-2026-{number}.json", b" " * (8 * 2**20))
    return packed.getvalue()
