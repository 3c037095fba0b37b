"""What somebody does who wants a feed for a lock file."""

import json
from dataclasses import dataclass
from typing import Any

from yarl import URL

from tests.watcher.houses import House


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The sentence of a refusal."""
        return str(self.json["detail"])


async def ask(house: House, url: str, method: str = "GET", *, body: bytes | None = None, token: str = "") -> Said:
    """The answer to a request for a path, or for an absolute address of this house."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = URL(url, encoded=True)
    path = str(address.relative()) if address.absolute else url
    async with house.http.request(method, URL(path, encoded=True), data=body, headers=headers) as answer:
        return Said(answer.status, dict(answer.headers), await answer.read())


async def make(house: House, lock: str | bytes, query: str = "?filename=requirements.txt", *, token: str = "") -> Said:
    """The answer to a lock file."""
    body = lock if isinstance(lock, bytes) else lock.encode()
    return await ask(house, f"/api/v1/locks{query}", "POST", body=body, token=token)


async def told(house: House, made: Said) -> list[str]:
    """Kind, project and version of what the feed's events are."""
    answer = await ask(house, made.json["events"])
    assert answer.status == 200, answer.body
    data = [event["data"] for event in answer.json["events"]]
    return [" ".join(filter(None, (each["kind"], each["project"], each["version"]))) for each in data]
