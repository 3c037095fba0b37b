"""Being polite to the index: what answers say of limits is read, hostile or not, and requests go at a pace."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from mirror.errors import UpstreamUnavailableError
from mirror.names import ProjectName
from mirror.upstream.index import Index
from mirror.upstream.limits import LONGEST_PAUSE, UNTOLD_PAUSE, told_pause
from mirror.upstream.session import UpstreamSession
from mirror.upstream.turns import Turns, Urgency
from tests.mirror.upstream.canned_upstream import CannedUpstream, page, says

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
POLICY = '"pages-0";q=100;w=60;pk=:ip:'


def values(**headers: str | Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Headers, with underscores for hyphens."""
    given = {name.replace("_", "-"): [value] if isinstance(value, str) else value for name, value in headers.items()}
    return lambda name: given.get(name, [])


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (200, {}, 0),
        (429, {}, UNTOLD_PAUSE),
        (429, {"Retry_After": "17"}, 17),
        (429, {"Retry_After": "Fri, 01 May 2026 12:00:40 GMT"}, 40),
        (429, {"Retry_After": "Fri, 01 May 2026 11:00:00 GMT"}, 0),
        (429, {"Retry_After": "tomorrow"}, UNTOLD_PAUSE),
        (503, {"Retry_After": "30"}, 30),
        (503, {"Retry_After": "0"}, 0),
        (503, {}, 0),
        (200, {"Retry_After": "30"}, 0),
        (200, {"RateLimit": '"pages";r=0;t=59'}, 59),
        (200, {"RateLimit": '"pages";r=1;t=59'}, 0),
        (200, {"RateLimit": '"pages";r=0'}, UNTOLD_PAUSE),
        (200, {"RateLimit": '"pages-0";r=10;t=31', "RateLimit_Policy": POLICY}, 31),
        (200, {"RateLimit": '"pages-0";r=11;t=31', "RateLimit_Policy": POLICY}, 0),
        (200, {"RateLimit": '"pages-1";r=10;t=31', "RateLimit_Policy": POLICY}, 0),
        (200, {"RateLimit": '"a";r=5;t=9, "b";r=0;t=20'}, 20),
        (200, {"RateLimit": ['"a";r=0;t=9', '"b";r=0;t=20']}, 20),
        (200, {"RateLimit": "limit=100, remaining=0, reset=5"}, 5),
        (200, {"RateLimit": "limit=100, remaining=50, reset=5"}, 0),
        (200, {"RateLimit_Remaining": "0", "RateLimit_Reset": "12"}, 12),
        (200, {"RateLimit_Limit": "1000", "RateLimit_Remaining": "99", "RateLimit_Reset": "12"}, 12),
        (200, {"RateLimit_Remaining": "7", "RateLimit_Reset": "12"}, 0),
    ],
)
def test_an_answer_says_for_how_long_to_leave_the_index_alone(
    status: int, headers: dict[str, str | list[str]], pause: float
) -> None:
    """In any of the forms that are in use; the last tenth of what a limit allows is left to clients."""
    assert told_pause(status, values(**headers), NOW) == pause


@pytest.mark.parametrize(
    "text",
    [
        "9" * 18,
        "9" * 5000,
        "-1",
        "1e9",
        "\u0664\u0662",
        "Fri, 99 May 99999 12:00:40 GMT",
        "Fri, 01 May 9999 12:00:40 GMT",
        ";r=0" * 100_000,
        '"a";r=0;t=' + "9" * 40,
        '"' * 50_000,
        ",;,=" * 50_000,
        "remaining=0, reset=999999999999999999",
        "",
        "\x00\r\n",
    ],
)
def test_a_hostile_header_is_never_believed_for_longer_than_an_hour(text: str) -> None:
    """Nothing it says raises, or silences this mirror for good."""
    names = ("Retry_After", "RateLimit", "RateLimit_Policy", "RateLimit_Remaining", "RateLimit_Reset")
    headers = dict.fromkeys(names, [text] * 50)

    assert 0 <= told_pause(429, values(**headers), NOW) <= LONGEST_PAUSE


class Seconds:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.passed = 1_000.0

    def __call__(self) -> float:
        return self.passed


async def taken(turns: Turns, most: int, urgency: Urgency = Urgency.WANTED) -> int:
    """How many turns can be taken at once."""
    for number in range(most):
        waiting = asyncio.create_task(turns.take(urgency))
        for _ in range(5):
            await asyncio.sleep(0)
        if not waiting.done():
            waiting.cancel()
            return number
    return most


async def test_after_a_burst_requests_go_at_the_pace() -> None:
    """Time that passes earns turns, but never more than a burst."""
    seconds = Seconds()
    turns = Turns(per_second=4, burst=8, seconds=seconds)

    assert await taken(turns, 20) == 8
    seconds.passed += 1.0
    assert await taken(turns, 20) == 4
    seconds.passed += 3_600
    assert await taken(turns, 20) == 8


async def test_routine_leaves_room_for_what_is_wanted() -> None:
    """However much routine there is, half a burst is there for news at any time."""
    turns = Turns(per_second=4, burst=8, seconds=Seconds())

    assert await taken(turns, 20, Urgency.ROUTINE) == 4
    assert await taken(turns, 20) == 4


async def test_who_waits_gets_a_turn_when_time_has_passed() -> None:
    """With the real clock: nobody waits for ever, and each waits for their own turn."""
    turns = Turns(per_second=200, burst=1)

    granted = await asyncio.wait_for(asyncio.gather(*(turns.take() for _ in range(10))), 30)

    assert granted == [True] * 10


async def test_in_a_pause_nobody_waits_and_nobody_goes() -> None:
    """Also not who waited when it began; when it is over, all go on."""
    seconds = Seconds()
    turns = Turns(per_second=1_000, burst=1, seconds=seconds)
    assert await turns.take()
    waiting = asyncio.create_task(turns.take())
    await asyncio.sleep(0)

    turns.heed(429, values(Retry_After="30"))

    assert not await waiting
    assert not await turns.take(Urgency.ROUTINE)
    assert turns.pause_seconds == 30
    turns.heed(200, values(RateLimit='"a";r=0;t=5'))
    assert turns.pause_seconds == 30
    seconds.passed += 30
    assert await turns.take()


async def test_what_the_index_answers_to_anybody_is_heeded(session: UpstreamSession, upstream: CannedUpstream) -> None:
    """A client's request is made all the same, and its 429 is told as unavailable."""
    index = Index(session, f"{upstream.url}/simple/")
    upstream.answers["/simple/leftpad/"] = says(page(), headers={"RateLimit": '"pages";r=0;t=100'})
    upstream.answers["/simple/rightpad/"] = says(status=429, headers={"Retry-After": "900"})

    await index.page(ProjectName("leftpad"))
    after_the_first = index.turns.pause_seconds
    with pytest.raises(UpstreamUnavailableError, match="429"):
        await index.page(ProjectName("rightpad"))

    assert 90 < after_the_first <= 100
    assert 890 < index.turns.pause_seconds <= 900
    assert not await index.turns.take()
