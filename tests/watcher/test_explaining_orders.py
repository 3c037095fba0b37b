"""What operators ordered is part of the story of a project."""

from dataclasses import replace
from datetime import datetime

import pytest

from mirror.model import Cause, FileFacts, Memory, State
from mirror.names import ProjectName, Serial
from mirror.setting_sections import Safety
from mirror.targets import RecordedAct, Verb
from tests.mirror.test_states import LISTED, LIVE, NOW, PROJECT
from watcher.explanation import OrdersGiven, explanation

BLOCKED = RecordedAct(1, NOW, "olga", Verb.BLOCK, "demo", "steals\u202e tokens")
RELEASED = RecordedAct(2, NOW, "otto", Verb.RELEASE, "demo==1.0", "read it")
PURGED = RecordedAct(3, NOW, "olga", Verb.PURGE, "demo", "court order")
ACTS = {act.number: act for act in (BLOCKED, RELEASED, PURGED)}


def _said(*files: FileFacts, orders: OrdersGiven | None = None) -> list[str]:
    memory = Memory(PROJECT, files) if files else None
    return explanation(ProjectName("demo"), memory, [], [], position=None, rules=Safety(), orders=orders)


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("until", [None, NOW])
def test_every_cause_is_explained(cause: Cause, until: datetime | None) -> None:
    """Why a file is not served, whatever holds it."""
    said = _said(replace(LIVE, state=State.HELD, cause=cause, state_until=until))

    assert any(line.startswith("  not served") for line in said)


@pytest.mark.parametrize(("as_was", "how"), [(True, "as it was before"), (False, "but only to exact pins")])
def test_how_a_kept_file_is_listed_is_told(how: str, *, as_was: bool) -> None:
    """Only one that an operator wants so is there for everybody."""
    said = _said(replace(LIVE, listed=False, state=State.KEPT, as_was=as_was))

    assert any(line.startswith("  served") and how in line for line in said)


def test_acts_are_told_with_time_reason_and_who() -> None:
    """Each of those that made the file what it is."""
    file = replace(LIVE, blocked_by=1, released_by=2, vouched_by=2, as_was=True, purged_at=NOW, state=State.PURGED)
    digest = LISTED.sha256
    assert digest is not None

    said = _said(file, orders=OrdersGiven(ACTS, (1,), {digest: 3}))

    at = f"{NOW:%Y-%m-%d %H:%M:%S} UTC"
    assert f"blocked, also what comes later, by an operator {at}: steals tokens (act 1, olga: block demo)" in said
    assert f"  blocked by an operator {at}: steals tokens (act 1, olga: block demo)" in said
    assert (
        "  released, to be listed as it was before, whatever is said of these bytes,"
        f" by an operator {at}: read it (act 2, otto: release demo==1.0)"
    ) in said
    assert f"  purged by an operator {at}: court order (act 3, olga: purge demo)" in said


def test_a_block_on_what_is_not_known_yet_is_told() -> None:
    """Nothing else is known of such a project."""
    said = _said(orders=OrdersGiven(ACTS, (1,)))

    assert said[2].startswith("blocked, also what comes later, by an operator")


@pytest.mark.parametrize(("serial", "where"), [(None, "UTC"), (Serial(7), "UTC at serial 7")])
def test_what_no_page_ever_listed_has_no_serial(serial: Serial | None, where: str) -> None:
    """Such as what an operator vouched for."""
    said = _said(replace(LIVE, first_seen_serial=serial))

    (line,) = [line for line in said if line.startswith("  first seen ")]
    assert line.endswith(where)
