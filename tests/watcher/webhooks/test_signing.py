"""Deliveries are signed so that any library of Standard Webhooks can tell that they are ours."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from watcher.webhooks.signing import check_secret, signed

NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
FOREIGN = "whsec_" + base64.b64encode(b"f" * 64).decode()
CONTENT = '{"what": "gone 🗑"}'.encode()


def test_while_a_secret_is_replaced_both_verify() -> None:
    """Receivers may change over one after the other; who knows neither secret takes nothing."""
    headers = signed("17640001-release.deleted", datetime.now(UTC), CONTENT, [NEW, OLD])

    assert headers["webhook-id"] == "17640001-release-deleted"
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(CONTENT, headers) == {"what": "gone 🗑"}
    with pytest.raises(WebhookVerificationError):
        Webhook(FOREIGN).verify(CONTENT, headers)


def test_afterwards_only_the_new_one_verifies() -> None:
    """And for no other body, id or time than those that were signed."""
    headers = signed("1", datetime.now(UTC), CONTENT, [NEW])

    Webhook(NEW).verify(CONTENT, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(CONTENT, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(CONTENT + b" ", headers)
    for name, value in (("webhook-id", "2"), ("webhook-timestamp", str(int(headers["webhook-timestamp"]) - 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(CONTENT, headers | {name: value})


def test_the_time_is_the_same_in_every_zone() -> None:
    """It is a moment that is signed, not what a clock on some wall shows."""
    now = datetime.now(UTC)

    abroad = signed("1", now.astimezone(timezone(timedelta(hours=9))), CONTENT, [NEW])

    assert abroad == signed("1", now, CONTENT, [NEW])
    Webhook(NEW).verify(CONTENT, abroad)


def test_without_a_secret_there_is_no_signature() -> None:
    """Chats have none to check."""
    assert list(signed("1", datetime.now(UTC), CONTENT, ())) == ["webhook-id", "webhook-timestamp"]


@pytest.mark.parametrize("secret", [NEW, OLD, FOREIGN, NEW.rstrip("=")])
def test_secrets_of_24_to_64_bytes_are_taken(secret: str) -> None:
    """With the padding of base64 or without it."""
    check_secret(secret)

    headers = signed("1", datetime.now(UTC), CONTENT, [secret])
    Webhook(secret).verify(CONTENT, headers)


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("", "does not begin so"),
        ("hush" * 10, "does not begin so"),
        ("whsec_", "it holds 0"),
        ("whsec_" + base64.b64encode(b"n" * 23).decode(), "it holds 23"),
        ("whsec_" + base64.b64encode(b"n" * 65).decode(), "it holds 65"),
        ("whsec_not base64, but hush", "not base64"),
        ("whsec_" + "ä" * 40, "not base64"),
        ("whsec_" + "A" * 33, "not base64"),
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(secret: str, what: str) -> None:
    """The sentence says what one is made of."""
    with pytest.raises(ValueError, match='"whsec_" and base64 of 24 to 64 random bytes are needed') as refused:
        check_secret(secret)

    assert what in str(refused.value)
    assert not secret or secret not in str(refused.value).replace('"whsec_"', "")
