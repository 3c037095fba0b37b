"""The targets of the settings: what can never work is refused at the start, in one line that shows no secret."""

import base64
from typing import Any

import pytest

from mirror.errors import StartError
from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.names import ProjectName
from mirror.settings import Settings
from tests.watcher.feed.told_events import told
from watcher.webhooks.chosen import Chosen, chosen

SECRET = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
URL = "https://hooks.example.org/s3cret?token=s3cret"


def chosen_of(*webhooks: dict[str, Any]) -> tuple[Chosen, ...]:
    given = tuple({"url": URL, "secret": SECRET} | webhook for webhook in webhooks)
    return chosen(Settings(webhooks=given))  # type: ignore[arg-type]  # as a file gives them, for pydantic to read


def test_a_target_is_as_the_settings_have_it() -> None:
    """Its name is the host's where it has none; without kinds it gets those of the deletion feed."""
    (target,) = chosen_of({"previous_secret": OLD, "timeout": "3s"})

    assert (target.name, target.url, target.secrets, target.form) == (
        "hooks.example.org",
        URL,
        (SECRET, OLD),
        "cloudevents",
    )
    assert (target.timeout.total_seconds(), target.allow_private) == (3, False)
    assert target.wanted.kinds == frozenset(EventKind) - BOOKKEEPING
    assert target.wanted.projects is None
    assert "s3cret" not in repr(target)
    assert SECRET not in repr(target)


def test_what_a_target_wants_is_a_filter() -> None:
    """By project, as a name or a glob, and by kind; bookkeeping where it is asked for by name."""
    (named,) = chosen_of({"projects": ["Code.Cov"], "kinds": ["release.deleted", "takedown"]})
    (globbed,) = chosen_of({"projects": ["Code*", "other"]})

    assert named.wanted.projects == frozenset({ProjectName("code-cov")})
    assert named.wanted.kinds == frozenset({EventKind.RELEASE_DELETED, EventKind.TAKEDOWN})
    assert globbed.wanted.admits(told())
    assert not named.wanted.admits(told())
    assert not globbed.wanted.admits(told(project=ProjectName("another")))


def test_a_target_is_known_again() -> None:
    """Whatever its place is and however its secret changes; another name, URL or format makes another target."""
    first, second = chosen_of({"name": "a"}, {"name": "b"})
    again = chosen_of({"name": "b", "secret": OLD, "projects": ["x"]}, {"name": "a"})
    others = chosen_of({"name": "c"}, {"name": "a", "format": "json"}) + chosen_of({"name": "a", "url": URL + "1"})

    assert [target.key for target in again] == [second.key, first.key]
    assert len({target.key for target in (first, second, *others)}) == 5


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "10.0.0.8:8443",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "LocalHost.",
        "hooks.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "①②⑦.⓪.⓪.①",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
    ],
)
def test_a_private_address_needs_to_be_allowed(host: str) -> None:
    """However it is written; where it is meant, one setting says so."""
    url = f"http://{host}/s3cret"

    with pytest.raises(StartError, match=r"^webhooks: .*: its url leads to a private address; .*allow_private = true$"):
        chosen_of({"url": url})
    (target,) = chosen_of({"url": url, "allow_private": True})

    assert target.allow_private


@pytest.mark.parametrize(
    ("webhooks", "sentence"),
    [
        ([{"secret": ""}], "webhooks: hooks.example.org: it has no secret to sign with;"),
        ([{"name": "ops", "secret": "", "format": "json"}], "webhooks: ops: it has no secret to sign with;"),
        ([{"secret": "", "previous_secret": OLD, "format": "slack"}], "webhooks: hooks.example.org: it has no secret"),
        ([{"secret": "s3cret"}], 'webhooks: hooks.example.org: its secret is none: "whsec_" and base64 of 24'),
        ([{"previous_secret": "s3cret"}], "webhooks: hooks.example.org: its previous_secret is none: "),
        ([{}, {"format": "json"}], 'webhooks: 2 of them are called "hooks.example.org"; give each a name of its own'),
        ([{}, {"name": "x"}, {"name": "x", "url": "https://example.org/"}], 'webhooks: 2 of them are called "x";'),
        ([{}, {"url": "https://[fe80::1%25eth0]/"}], "webhooks: 2: its url has no host that can be used"),
        ([{"projects": ["a*a*a*a*a*a*a"]}], "webhooks: hooks.example.org: one of its projects is none: "),
    ],
)
def test_what_cannot_work_is_refused(webhooks: list[dict[str, Any]], sentence: str) -> None:
    """The line names the target and says what to do."""
    with pytest.raises(StartError) as refused:
        chosen_of(*webhooks)

    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_message_for_a_chat_needs_no_secret() -> None:
    """Its URL is one."""
    (target,) = chosen_of({"secret": "", "format": "slack"})

    assert target.secrets == ()
