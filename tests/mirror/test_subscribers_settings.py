"""Settings about subscribers and operators: what cannot work is refused before anything starts."""

from pathlib import Path

import pytest

from mirror.errors import StartError
from mirror.event_kinds import EventKind
from mirror.settings import load

HOOK = '[[webhooks]]\nurl = "https://hooks.example.org/x"\n'
TOKEN = "long-enough" * 2


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "everpin.toml"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[webhooks]]\nsecret = 'x'", "webhooks.0.url: Field required"),
        ('[[webhooks]]\nurl = "ftp://hooks.example.org/"', "webhooks.0.url: an http:// or https:// URL"),
        (HOOK + 'kinds = ["release.eaten"]', "webhooks.0.kinds.0: Input should be 'file.deleted'"),
        (HOOK + "nonsense = 1", "webhooks.0.nonsense: unknown setting"),
        (HOOK + 'secret = "x"\nsecret_file = "/x"', "webhooks.0: secret and secret_file exclude each other"),
        ('[feed]\nretention = "7d"', 'feed.retention: a time span of at least 30d, or "forever"'),
        ('[admin]\ntoken = "short"', "admin.token: a token of at least 16"),
        (
            f'[[admin.tokens]]\nname = "ci"\ntoken = "{TOKEN}"\nscopes = ["all"]',
            "admin.tokens.0.scopes.0: Input should",
        ),
        ('[[admin.tokens]]\nname = "ci"', "admin.tokens.0.token: a token of at least 16"),
        (
            f'[admin]\ntoken = "{TOKEN}"\n[[admin.tokens]]\nname = "admin"\ntoken = "{TOKEN}2"',
            "admin: each token needs",
        ),
        (
            f'[admin]\ntoken = "{TOKEN}"\n[[admin.tokens]]\nname = "ci"\ntoken = "{TOKEN}"',
            "admin: two tokens are the same",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(config: Path, text: str, sentence: str) -> None:
    """One line says which setting it is, and shows no secret."""
    config.write_text(text)

    with pytest.raises(StartError) as caught:
        load(config)

    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_traceback_shows_no_secret(config: Path) -> None:
    """Also the error behind the line says only what is wrong with the value, not what it is."""
    config.write_text('[admin]\ntoken = "hush-hush"\n')

    with pytest.raises(StartError) as caught:
        load(config)

    assert "token" in str(caught.value.__cause__)
    assert "hush" not in str(caught.value.__cause__)


def test_secrets_are_read_from_files(config: Path, tmp_path: Path) -> None:
    """Of webhooks and of tokens alike, and what surrounds them in the file does not count."""
    secret, token = tmp_path / "secret", tmp_path / "token"
    secret.write_text("whsec_c2VjcmV0\n")
    token.write_text(f"{TOKEN}\n")
    config.write_text(
        f'{HOOK}secret_file = "{secret}"\nkinds = ["release.deleted"]\n'
        f'[[admin.tokens]]\nname = "ci"\ntoken_file = "{token}"\n'
    )

    settings = load(config)

    assert settings.webhooks[0].secret.get_secret_value() == "whsec_c2VjcmV0"
    assert settings.webhooks[0].kinds == (EventKind.RELEASE_DELETED,)
    assert settings.admin.tokens[0].token.get_secret_value() == TOKEN
