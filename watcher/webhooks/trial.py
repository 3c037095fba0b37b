"""One delivery that tells of nothing, to see whether it arrives: made, signed and sent as every other one."""

import time
import uuid
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver

from mirror import clock
from mirror.errors import EverpinError
from watcher.webhooks.bodies import body_of_test
from watcher.webhooks.chosen import Chosen
from watcher.webhooks.egress import Answer, RefusedTargetError, UndeliveredError, post, sending_session
from watcher.webhooks.signing import signed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: the receiver's answer, or why there is none; and the time it took."""

    answer: Answer | EverpinError
    seconds: float

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return isinstance(self.answer, Answer) and self.answer.is_success


async def tried(target: Chosen, *, source: str, resolver: AbstractResolver | None = None) -> Outcome:
    """Sends an event of the type `dev.everpin.test` to the target, once, whatever it wants to hear of."""
    message_id, now = f"test-{uuid.uuid4()}", clock.now()
    body = body_of_test(message_id, now, form=target.form, source=source)
    headers = {"Content-Type": body.content_type} | signed(message_id, now, body.content, target.secrets)
    begun = time.monotonic()
    async with sending_session(allow_private=target.allow_private, resolver=resolver) as session:
        try:
            answer = await post(session, target.url, content=body.content, headers=headers, timeout=target.timeout)
        except (RefusedTargetError, UndeliveredError) as e:
            return Outcome(e, time.monotonic() - begun)
    return Outcome(answer, time.monotonic() - begun)
