"""pip-audit, which resolves through everpin and asks a source of vulnerabilities about what it finds."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.journeys.clients.programs import Program
from tests.journeys.clients.stories import Upstream
from tests.journeys.processes import Everpin


class Vulnerabilities:
    """A source that knows one vulnerability of `leftpad`, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def query(self, request: web.Request) -> web.Response:
        """OSV's `/v1/query`."""
        wanted: dict[str, Any] = await request.json()
        name = wanted["package"]["name"]
        self.asked.append((name, wanted["version"]))
        known = {"id": "GHSA-1", "summary": "pads wrongly", "published": "2020-01-01T00:00:00Z", "affected": []}
        return web.json_response({"vulns": [known]} if name == "leftpad" else {})


@pytest_asyncio.fixture
async def vulnerabilities() -> AsyncIterator[tuple[Vulnerabilities, str]]:
    """The source, and the address at which it is asked."""
    source = Vulnerabilities()
    app = web.Application()
    app.router.add_post("/v1/query", source.query)
    async with TestServer(app) as server:
        yield source, str(server.make_url("/v1/query"))


async def test_pip_audit_resolves_through_everpin_and_audits_what_upstream_has_deleted(
    everpin: Everpin,
    upstream: Upstream,
    pip_audit: Path,
    vulnerabilities: tuple[Vulnerabilities, str],
    tmp_path: Path,
) -> None:
    """A pin on a deleted release is resolved, with what it needs, and its vulnerability found."""
    source, address = vulnerabilities
    await everpin.page("leftpad")
    await upstream.forgets_the_library(everpin)
    (tmp_path / "requirements.txt").write_text("con-sumer==3.1\nleftpad==1.0\n")
    audit = Program((str(pip_audit / "pip-audit"), "--progress-spinner", "off"), tmp_path)

    done = await audit.run(
        *("-r", "requirements.txt", "--index-url", everpin.index_url),
        *("--vulnerability-service", "osv", "--osv-url", address),
    )

    assert done.status == 1, done.output
    assert "GHSA-1" in done.output
    assert sorted(set(source.asked)) == [("con-sumer", "3.1"), ("leftpad", "1.0")]
