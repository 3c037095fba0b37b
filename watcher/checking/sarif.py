"""Findings as SARIF 2.1.0, which code scanners exchange. Pure.

Essential reading: the OASIS standard, sections 3.13 (log), 3.27 (result), 3.28 (location), 3.49 (rules). Each state but
live is a rule; each group of findings a result, at the file and, where it is known, the line of the lock.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from watcher.checking.findings import Finding, PinState, is_finding
from watcher.checking.groups import WORST_FIRST, Group, grouped

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOWHERE = "stdin"

_MEANING = {
    PinState.BLOCKED: "This mirror refuses it: quarantined upstream, called malware, or blocked by the operator.",
    PinState.PURGED: "The operator of this mirror destroyed its bytes.",
    PinState.REPLACED: "The version is there, but not with the pinned bytes.",
    PinState.LOST: "Upstream deleted it, and its bytes could not be had any more.",
    PinState.HELD: "This mirror has it, or could have it, but does not trust it yet.",
    PinState.UNKNOWN: "This mirror has never seen it.",
    PinState.KEPT: "Upstream deleted it; only what was kept still works.",
    PinState.YANKED: "Upstream advises against it.",
}


def document_of(findings: Sequence[Finding], *, version: str, strict: bool = False) -> bytes:
    """The log of one run. `version` is that of this program."""
    rules = [state for state in WORST_FIRST if state is not PinState.LIVE]
    results = [
        _result(group, rules.index(group.state), _level(group.state, strict))
        for group in grouped(findings)
        if group.state is not PinState.LIVE
    ]
    driver = {"name": "everpin", "version": version, "rules": [_rule(state, _level(state, strict)) for state in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return msgspec.json.encode({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _level(state: PinState, strict: bool) -> str:
    return "error" if is_finding(state, strict=strict) else "warning"


def _rule(state: PinState, level: str) -> dict[str, Any]:
    return {
        "id": f"everpin/{state}",
        "name": f"Pin{state.capitalize()}",
        "shortDescription": {"text": f"A pinned file is {state}."},
        "fullDescription": {"text": _MEANING[state]},
        "defaultConfiguration": {"level": level},
    }


def _result(group: Group, rule: int, level: str) -> dict[str, Any]:
    file, line = group.place
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(file or _NOWHERE, safe="/")},
        # The standard lets it out where there is no line, but GitHub requires one.
        "region": {"startLine": max(line or 1, 1)},
    }
    advice = f"; {group.advice}" if group.advice else ""
    files = f" ({group.named_files})" if group.files else ""
    return {
        "ruleId": f"everpin/{group.state}",
        "ruleIndex": rule,
        "level": level,
        "message": {"text": f"{group.release} is {group.state}: {group.reason}{advice}{files}"},
        "locations": [{"physicalLocation": place}],
        # What stays the same as long as the same release stands alike in the same file, wherever its line moves to.
        "partialFingerprints": {"everpin/v1": _fingerprint(file, group)},
    }


def _fingerprint(file: str, group: Group) -> str:
    said = "\n".join([file, group.release, group.state, *sorted(group.files)])
    return hashlib.sha256(said.encode()).hexdigest()
