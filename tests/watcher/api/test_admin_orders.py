"""Operators' orders over HTTP: who may give them, what they do, and how they are recorded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from pydantic import SecretStr

from mirror.catalog.database import Catalog
from mirror.setting_subscribers import Admin, AdminToken
from tests.pypi_sim import File, PyPISim
from tests.watcher.houses import House, house_of, long_ago

ROOT = "the-token-of-the-operator"
CI = "the-token-of-the-pipeline"
WHY = "so be it"
NO_ORDERS: tuple[tuple[str, object, int, str], ...] = (
    ("block", b"{", 400, "no JSON object"),
    ("block", b"\xff", 400, "no JSON object"),
    ("block", b"[" * 60_000, 422, "Expected `object`"),
    ("block", b" " * (64 * 2**10 + 1), 413, "at most 65536 bytes"),
    ("block", [], 422, "Expected `object`"),
    ("block", {"target": "demo"}, 422, "a reason is needed"),
    ("block", {"target": "demo", "reason": "\n"}, 422, "a reason is needed"),
    ("block", {"target": "demo", "reason": 1}, 422, "$.reason"),
    ("block", {"target": "a\nb", "reason": WHY}, 422, "is not a target"),
    ("block", {"reason": WHY}, 422, "is not a target"),
    ("block", {"target": "demo", "reason": WHY, "as_was": True}, 422, "unknown field `as_was`"),
    ("purge", {"target": "brake", "reason": WHY, "yes": True}, 422, "the brake can only be released"),
    ("purge", {"target": "demo", "reason": WHY, "yes": "yes"}, 422, "$.yes"),
    ("purge", {"target": "unheard", "reason": WHY}, 404, "no file is known here"),
    ("release", {"target": "unheard", "reason": WHY}, 404, "no file is known here"),
)
"""A verb and what is sent with it; the status of the answer, and what its sentence says."""


@pytest_asyncio.fixture
async def ordered(pypi: PyPISim, catalog: Catalog, tmp_path: Path) -> AsyncIterator[House]:
    """Everpin with two tokens: one for everything, and one that may block and look."""
    ci = AdminToken(name="ci", token=SecretStr(CI), scopes=("block", "read"))
    async with house_of(pypi, catalog, tmp_path, admin=Admin(token=SecretStr(ROOT), tokens=(ci,))) as house:
        await house.poll()
        yield house


async def post(
    house: House, verb: str, body: object, *, token: str | None = ROOT, scheme: str = "Bearer"
) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to an order."""
    headers = {"Authorization": f"{scheme} {token}"} if token is not None else {}
    how: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with house.http.post(f"/api/v1/admin/{verb}", headers=headers, **how) as answer:
        assert ("WWW-Authenticate" in answer.headers) is (answer.status == 401)
        return answer.status, await answer.json(content_type=None)


async def acts_of(house: House, query: str = "", *, token: str = ROOT) -> tuple[int, dict[str, Any]]:
    """Status and body of the list of acts."""
    headers = {"Authorization": f"Bearer {token}"}
    async with house.http.get(f"/api/v1/admin/acts{query}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def kept(house: House, version: str = "1.0") -> tuple[File, str]:
    """A file whose bytes are here, and its address."""
    file = house.pypi.upload("demo", version, uploaded_at=long_ago(house.pypi, days=400))
    await house.poll()
    address = await house.url("demo", file.filename)
    assert (await house.get(address))[0] == 200
    return file, address


async def test_a_block_over_http_is_one_of_the_token_s_name(ordered: House) -> None:
    """It does what the command does, says to which files, is recorded and told; and it can be taken back."""
    file, address = await kept(ordered)

    status, done = await post(ordered, "block", {"target": "demo==1.0.0", "reason": WHY}, token=CI, scheme="bearer")
    blocked = await ordered.get(address)
    freed, _ = await post(ordered, "unblock", {"target": "demo", "reason": "a false alarm"})

    assert (status, done["act"], done["actor"], done["target"]) == (200, 1, "ci", "demo==1.0.0")
    (told,) = done["files"]
    assert (told["filename"], told["sha256"], told["before"], told["state"]) == (
        file.filename,
        file.sha256,
        "live",
        "blocked",
    )
    assert done["remarks"] == ["what is seen of it later is blocked, too"]
    assert (blocked[0], freed, (await ordered.get(address))[0]) == (403, 200, 200)
    _, listed = await acts_of(ordered, token=CI)
    assert [(act["number"], act["actor"], act["verb"], act["target"], act["reason"]) for act in listed["acts"]] == [
        (2, "admin", "unblock", "demo", "a false alarm"),
        (1, "ci", "block", "demo==1.0.0", WHY),
    ]
    assert await ordered.kinds() == ["operator.act demo 1.0.0", "operator.act demo"]


async def test_a_release_lists_what_is_held_as_it_was(ordered: House, pypi: PyPISim) -> None:
    """And the brake has no files to tell of."""
    await kept(ordered)
    young = pypi.upload("demo", "2.0", uploaded_at=long_ago(pypi, hours=1))
    await ordered.watch()
    pypi.delete_release("demo", "2.0")
    await ordered.watch()

    _, done = await post(ordered, "release", {"target": "demo", "reason": WHY, "as_was": True})
    _, brake = await post(ordered, "release", {"target": "brake", "reason": WHY})

    assert [(file["filename"], file["state"], file["as_was"]) for file in done["files"]] == [
        (young.filename, "kept", True)
    ]
    assert (await ordered.listed("demo"))[young.filename] is False
    assert (brake["target"], brake["files"], brake["remarks"]) == ("brake", [], [])


async def test_a_purge_is_a_plan_until_it_is_told_to_go_on(ordered: House) -> None:
    """The plan changes and records nothing. What was purged can be had again after `unpurge`."""
    file, address = await kept(ordered)

    _, plan = await post(ordered, "purge", {"target": "demo", "reason": WHY})
    before, (_, nothing) = await ordered.get(address), await acts_of(ordered)
    _, done = await post(ordered, "purge", {"target": "demo", "reason": WHY, "yes": True})
    after = await ordered.get(address)
    again, _ = await post(ordered, "unpurge", {"target": "demo", "reason": WHY})

    assert (plan["dry_run"], plan["bytes"], [each["filename"] for each in plan["files"]]) == (
        True,
        file.size,
        [file.filename],
    )
    assert (before, nothing["acts"]) == ((200, file.content), [])
    assert (done["act"], done["files"][0]["state"], after[0], again) == (1, "purged", 410, 200)
    assert await ordered.get(address) == (200, file.content)


async def test_without_a_token_in_the_settings_there_is_no_admin_api(house: House) -> None:
    """Not even one that says who may not use it."""
    assert (await post(house, "block", {"target": "demo", "reason": WHY}))[0] == 404
    assert (await acts_of(house))[0] == 404


async def test_only_tokens_of_the_settings_order_and_only_what_they_may(ordered: House) -> None:
    """401 without one of them, 403 for what the token was not given for; the order is not looked at then."""
    order = {"target": "demo", "reason": WHY}

    refused = [(await post(ordered, "block", order, token=token))[0] for token in (None, "", f"{ROOT}x", "\u00fc")]
    refused.append((await post(ordered, "block", order, scheme="Basic"))[0])
    forbidden = [(await post(ordered, verb, b"{", token=CI))[0] for verb in ("release", "purge", "unpurge")]

    assert (set(refused), set(forbidden)) == ({401}, {403})
    assert (await acts_of(ordered, token=CI[:-1]))[0] == 401
    assert (await acts_of(ordered))[1] == {"acts": [], "more": False, "before": None}


async def test_what_is_no_order_is_refused_in_a_sentence(ordered: House) -> None:
    """And nothing is recorded."""
    for verb, body, status, said in NO_ORDERS:
        answered, problem = await post(ordered, verb, body)

        assert (answered, problem["status"]) == (status, status), body
        assert said in problem["detail"]
    assert (await acts_of(ordered))[1]["acts"] == []


async def test_acts_are_told_page_by_page(ordered: House) -> None:
    """Newest first; what is no number is refused."""
    for number in range(1, 4):
        await post(ordered, "block", {"target": f"demo{number}", "reason": WHY})

    _, first = await acts_of(ordered, "?limit=2")
    _, second = await acts_of(ordered, f"?limit=2&before={first['before']}")

    assert [act["number"] for act in first["acts"]] == [3, 2]
    assert ([act["number"] for act in second["acts"]], second["more"]) == ([1], False)
    assert [(await acts_of(ordered, query))[0] for query in ("?limit=0", "?before=x", "?limit=1&before=1")] == [
        400,
        400,
        200,
    ]
