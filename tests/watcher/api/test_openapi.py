"""The description of the API is whole, valid, and true: a program that knows only it finds nothing amiss."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from mirror.catalog.database import Catalog
from mirror.setting_subscribers import Admin
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, house_of, long_ago

_TOKEN = "long-enough" * 2
_WITHOUT_END = "/api/v1/events/stream"


async def described(house: House) -> dict[str, Any]:
    """The description as it is published."""
    status, body = await house.get("/api/v1/openapi.json")
    assert status == 200, body
    document: dict[str, Any] = json.loads(body)
    return document


async def test_every_operation_is_described_and_no_other(house: House) -> None:
    """What the application routes below `/api/v1` is what the document names."""
    routed = {
        (resource.canonical, route.method.lower())
        for resource in house.http.app.router.resources()
        if resource.canonical.startswith("/api/v1/")
        for route in resource
        if isinstance(route, web.ResourceRoute) and route.method != "HEAD"
    }

    document = await described(house)

    assert {(path, method) for path, operations in document["paths"].items() for method in operations} == routed
    assert all(name.isalpha() for name in document["components"]["schemas"]), "two types have one name"


async def test_a_fuzzer_that_knows_only_the_description_finds_nothing(
    pypi: PyPISim, catalog: Catalog, tmp_path: Path
) -> None:
    """Schemathesis asks for all of it, rightly and wrongly, and each answer is one that was described."""
    async with house_of(pypi, catalog, tmp_path, admin=Admin(token=SecretStr(_TOKEN))) as house:
        pypi.upload("demo", "1.0", uploaded_at=long_ago(pypi, days=200))
        await house.page("demo")
        await house.watch()
        pypi.delete_release("demo", "1.0")
        await house.watch()
        url = str(house.http.make_url("/api/v1/openapi.json"))
        fuzzer = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", Path(__file__).with_name("schemathesis.toml"), "run", url),
            *("--header", f"Authorization: Bearer {_TOKEN}", "--exclude-path", _WITHOUT_END),
            cwd=tmp_path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await fuzzer.communicate()

    assert fuzzer.returncode == 0, told.decode()
