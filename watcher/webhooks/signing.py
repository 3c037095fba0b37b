"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, so that receivers know who sends.

The time is part of what is signed, so that nobody can send an old delivery again; the id stays the same however often
a delivery is tried, so that receivers take each only once.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_NEEDED = f'"{_PREFIX}" and base64 of {_SHORTEST} to {_LONGEST} random bytes are needed'


def signed(message_id: str, at: datetime, content: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that say which delivery it is, when it is sent, and that it comes from one who knows the secrets.

    One signature for each secret: while one is being replaced, receivers that know either are content. Without secrets
    there is no signature. What is signed are id, time and body with full stops between them, so that an id must hold
    none: `-` stands for each.
    """
    message_id = message_id.replace(".", "-")
    # The library takes the numbers of a datetime for UTC, whatever its zone.
    moment = at.astimezone(UTC)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(moment.timestamp()))}
    signatures = [Webhook(secret).sign(message_id, moment, content.decode()) for secret in secrets]
    return headers | ({"webhook-signature": " ".join(signatures)} if signatures else {})


def check_secret(text: str) -> None:
    """Raises ValueError, with a sentence that does not repeat it, where the text is not a secret to sign with."""
    if not text.startswith(_PREFIX):
        raise ValueError(f"{_NEEDED}; it does not begin so")
    encoded = text.removeprefix(_PREFIX)
    try:
        # Receivers' libraries differ in whether they want the padding; it says nothing.
        key = base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError) as e:
        raise ValueError(f"{_NEEDED}; what follows is not base64") from e
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"{_NEEDED}; it holds {len(key)}")
