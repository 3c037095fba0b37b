"""What operators write is understood, or refused in one line."""

import pytest

from mirror.errors import StartError
from mirror.names import ProjectName, Sha256
from mirror.targets import (
    BrakeTarget,
    BytesTarget,
    EventTarget,
    ProjectTarget,
    ReleaseTarget,
    Target,
    Verb,
    covers,
    order_of,
    parse_target,
)
from tests.mirror.test_states import LIVE

DIGEST = Sha256("a" * 64)
DEMO = ProjectName("demo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Demo", ProjectTarget(DEMO)),
        (" zope.interface ", ProjectTarget(ProjectName("zope-interface"))),
        ("demo==1.0", ReleaseTarget(DEMO, "1.0")),
        ("demo == 2004d", ReleaseTarget(DEMO, "2004d")),
        (f"sha256:{DIGEST}", BytesTarget(DIGEST)),
        (f"SHA256:{DIGEST.upper()}", BytesTarget(DIGEST)),
        ("brake", BrakeTarget()),
        ("Brake", BrakeTarget()),
        ("event:17640001-release.deleted", EventTarget("17640001-release.deleted")),
        ("brake==1.0", ReleaseTarget(ProjectName("brake"), "1.0")),
    ],
)
def test_a_target_is_read(text: str, expected: Target) -> None:
    """Names are normalised, digests in lower case; what is written again is read as the same."""
    target = parse_target(text)

    assert target == expected
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "==1.0",
        "demo==",
        "demo===1.0",
        "demo==1.*",
        "demo>=1",
        "a b",
        "sha256:",
        f"sha256:{DIGEST}0",
        "d\x1b==",
        "event:",
        "event:a b",
    ],
)
def test_what_is_no_target_is_refused_in_one_line(text: str) -> None:
    """The line quotes what was written, without its control characters."""
    with pytest.raises(StartError, match="is not a target") as refused:
        parse_target(text)

    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [("", "a reason is needed"), ("  ", "a reason is needed"), ("a\nb", "single line"), ("x" * 501, "longer than 500")],
)
def test_a_reason_is_one_line_of_bounded_length(reason: str, complaint: str) -> None:
    """It goes out in events and on command lines."""
    with pytest.raises(StartError, match=complaint):
        order_of(Verb.BLOCK, "demo", actor="olga", reason=reason)


def test_an_event_can_only_be_redacted_and_nothing_else_can() -> None:
    """Neither is taken for the other."""
    redaction = order_of(Verb.REDACT, "event:1-gap", actor="olga", reason="so be it")

    assert redaction.target == EventTarget("1-gap")
    for verb, target in ((Verb.BLOCK, "event:1-gap"), (Verb.REDACT, "demo"), (Verb.REDACT, "brake")):
        with pytest.raises(StartError):
            order_of(verb, target, actor="olga", reason="so be it")


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.RELEASE])
def test_the_brake_can_only_be_released(verb: Verb) -> None:
    """Every other verb is refused, rather than taken for one on a project of that name."""
    with pytest.raises(StartError, match="can only be released"):
        order_of(verb, "brake", actor="olga", reason="why not")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("demo", True),
        ("other", False),
        ("demo==1.0.0", True),
        ("demo==1.1", False),
        ("other==1.0", False),
        (f"sha256:{DIGEST}", True),
        (f"sha256:{'b' * 64}", False),
        ("brake", False),
    ],
)
def test_a_target_covers_what_it_names(target: str, expected: bool) -> None:
    """Versions are compared as PEP 440 does, digests wherever the bytes are."""
    assert covers(parse_target(target), DEMO, LIVE) is expected
