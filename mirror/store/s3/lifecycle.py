"""Rules by which a bucket deletes objects on its own. Somebody's kept files have vanished by one of them before."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef


@dataclass(frozen=True, slots=True)
class Expiry:
    """A rule that deletes objects of ours, after so many days; None where it names a date."""

    rule: str
    days: int | None


def expiries(rules: "Iterable[LifecycleRuleOutputTypeDef]", prefix: str) -> list[Expiry]:
    """The rules that delete what is below the prefix, or some of it."""
    return [
        Expiry(rule.get("ID", "")[:100], rule["Expiration"].get("Days"))
        for rule in rules
        if rule.get("Status") == "Enabled" and _deletes(rule) and _is_about(rule, prefix)
    ]


def _deletes(rule: "LifecycleRuleOutputTypeDef") -> bool:
    """A rule may also only clear delete markers away, or old versions."""
    expiration = rule.get("Expiration", {})
    return "Days" in expiration or "Date" in expiration


def _is_about(rule: "LifecycleRuleOutputTypeDef", prefix: str) -> bool:
    wanted = rule.get("Filter", {})
    both = wanted.get("And", {})
    if wanted.get("Tag") or both.get("Tags"):
        # Our objects have no tags.
        return False
    theirs = rule.get("Prefix") or wanted.get("Prefix") or both.get("Prefix") or ""
    return prefix.startswith(theirs) or theirs.startswith(prefix)
