"""Findings as each of the forms in which they are told, whatever was written into the lock file."""

import json
from typing import Any

import jsonschema
import pytest

from mirror.names import ProjectName, Sha256
from watcher.checking import Finding, PinState, is_finding
from watcher.checking.report import BadReportError, question_of, read_question, read_report, report_of
from watcher.checking.sarif import document_of
from watcher.checking.text import lines_of
from watcher.checking.workflow import commands_of
from watcher.locks import LeftOut, Pin

HOSTILE = "1.0\x1b[31m\u202e\n::error::no##[endgroup]%0A"
LEFT_OUT = [LeftOut("uv.lock", "own\x07", "comes from a repository, not from an index")]


def found(state: str, *, source: str = "uv.lock", version: str = "1.0", filename: str | None = None) -> Finding:
    """A finding of that state."""
    pin = Pin(ProjectName("demo"), version, filename, Sha256("ab" * 32), source)
    advice = "" if state == "live" else "lock anew"
    return Finding(pin, PinState(state), f"it is {state}", advice, filename)


def text(*findings: Finding, everything: bool = False) -> list[str]:
    """The lines for people, states in brackets where a terminal shows colours."""
    return list(
        lines_of(findings, LEFT_OUT, paint=lambda state, word: word.replace(state, f"<{state}>"), everything=everything)
    )


def test_the_text_shows_the_worst_first_and_is_quiet_about_the_rest() -> None:
    """What stands alike is said once, with a few of the files; what is live is counted."""
    wheels = [found("kept", filename=f"demo-{n}.whl") for n in range(5)]

    said = text(found("live"), *wheels, found("blocked", source="req.txt:7"))

    assert said == [
        "<blocked>   demo 1.0  (req.txt:7)",
        "          why: it is blocked",
        "          do: lock anew",
        "          file: sha256:abababababab...",
        "<kept>      demo 1.0  (uv.lock)",
        "          why: it is kept",
        "          do: lock anew",
        "          files: demo-0.whl, demo-1.whl, demo-2.whl and 2 more",
        "7 pins checked: 1 live, 5 kept, 1 blocked; 1 left out",
    ]
    assert text(found("live"), everything=True) == [
        "<live>      demo 1.0  (uv.lock)",
        "left out  own  (uv.lock)",
        "          why: comes from a repository, not from an index",
        "1 pin checked: 1 live; 1 left out",
    ]


@pytest.mark.parametrize(
    ("state", "finding", "strict"),
    [("live", False, False), ("yanked", False, True), *((s, True, True) for s in list(PinState)[2:])],
)
def test_findings_are_all_but_live_and_yanked(state: str, finding: bool, strict: bool) -> None:
    """Who is strict fails for what is yanked, too."""
    assert is_finding(PinState(state)) is finding
    assert is_finding(PinState(state), strict=True) is strict


def test_commands_of_workflows_cannot_be_smuggled_in() -> None:
    """Properties and messages are escaped as GitHub unescapes them; no line begins with what others wrote."""
    said = list(
        commands_of(
            [found("yanked", source="a,b:c.txt:3", version=HOSTILE), found("lost", filename="a%0A.whl"), found("live")],
            [],
        )
    )

    message = "1.0[31m ::error::no## [endgroup]%250A"
    yanked = "it is yanked - lock anew (sha256:abababababab...)"
    title = message.replace(":", "%3A")
    assert said == [
        "::error file=uv.lock,title=demo 1.0 is lost::demo 1.0 is lost: it is lost - lock anew (a%250A.whl)",
        f"::warning file=a%2Cb%3Ac.txt,line=3,title=demo {title} is yanked::demo {message} is yanked: {yanked}",
        "3 pins checked: 1 live, 1 yanked, 1 lost",
    ]
    assert all(line.isprintable() for line in said)


def test_lines_for_people_begin_with_words_of_ours() -> None:
    """So that a log that is searched for commands finds none, and a terminal obeys none."""
    said = text(found("held", source=HOSTILE, version=HOSTILE, filename=HOSTILE), everything=True)

    assert all(line.isprintable() for line in said)
    assert not any("##[" in line for line in said)
    assert [line.split()[0] for line in said] == ["<held>", "why:", "do:", "file:", "left", "why:", "1"]


_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": _TEXT,
                                                "fullDescription": _TEXT,
                                                "defaultConfiguration": {"type": "object"},
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _TEXT,
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "additionalProperties": False,
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {"type": "string", "pattern": r"^[!-~]+$"}
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What the OASIS schema of SARIF 2.1.0 demands of the parts that are written here, no property left open."""


def test_sarif_is_what_the_standard_has() -> None:
    """A rule for each state that can be found, a result for each group, at its file and line."""
    findings = [
        found("kept", source="my reqs/req.txt:3"),
        found("yanked"),
        found("live"),
        found("lost", source=HOSTILE),
    ]

    log = json.loads(document_of(findings, version="1.2"))
    strict = json.loads(document_of(findings, version="1.2", strict=True))

    jsonschema.validate(log, _SARIF)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(rules) == sorted(f"everpin/{state}" for state in PinState if state != "live")
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("everpin/lost", "error"),
        ("everpin/kept", "error"),
        ("everpin/yanked", "warning"),
    ]
    assert strict["runs"][0]["results"][2]["level"] == "error"
    place = run["results"][1]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "my%20reqs/req.txt"}, "region": {"startLine": 3}}
    assert run["results"][2]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert len({result["partialFingerprints"]["everpin/v1"] for result in run["results"]}) == 3


def test_a_report_can_be_read_by_who_asked() -> None:
    """With texts that can be shown, and states that there are."""
    findings = [found("kept", filename="demo-1.0.whl"), found("lost", source=HOSTILE, version=HOSTILE)]

    body = report_of(findings, LEFT_OUT, strict=True)
    report = read_report(body)

    assert report.summary == {"kept": 1, "lost": 1}
    assert [file.filename for file in report.files] == ["demo-1.0.whl", None]
    assert all(str(value).isprintable() for file in json.loads(body)["files"] for value in file.values())
    for bad in (b"", b"{}", b"[" * 100_000, body.replace(b'"kept"', b'"fine"')):
        with pytest.raises(BadReportError):
            read_report(bad)


def test_a_question_says_no_more_than_what_is_pinned() -> None:
    """Neither files nor indexes are told; each pin is known by its place."""
    pins = [found("live", source="/home/me/secret/uv.lock", filename="demo-1.0.whl").pin, found("live").pin]

    body = question_of(pins)

    assert b"secret" not in body
    assert [(pin.source, pin.filename, pin.sha256) for pin in read_question(body, most=2)] == [
        ("0", "demo-1.0.whl", "ab" * 32),
        ("1", None, "ab" * 32),
    ]
    with pytest.raises(BadReportError, match="2 pins are too many at once; 1 are the most"):
        read_question(body, most=1)
