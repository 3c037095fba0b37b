"""`everpin policies`: by which rules deletions are judged."""

import json

from mirror.policy import POLICIES
from tests.watcher.cli.shells import Shell


async def test_policies_shows_a_line_for_each(shell: Shell) -> None:
    """Its id, its rule and where that is written."""
    ended = await shell.run("policies")

    assert (ended.status, ended.err) == (0, "")
    header, *lines = ended.out.splitlines()
    assert header.startswith("POLICY")
    assert [line.split()[0] for line in lines] == [policy.id for policy in POLICIES]
    assert all(policy.rule in line and policy.source in line for policy, line in zip(POLICIES, lines, strict=True))


async def test_policies_as_json_says_the_same(shell: Shell) -> None:
    """For programs: one object, with the same ids as in the verdicts of events."""
    ended = await shell.run("policies", "--format", "json")

    shown = json.loads(ended.out)["policies"]
    assert [one["id"] for one in shown] == [policy.id for policy in POLICIES]
    assert shown[1]["source"] == "PEP 763, withdrawn 2025-09-22"
    assert all(list(one) == ["id", "title", "rule", "source"] for one in shown)
