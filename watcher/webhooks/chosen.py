"""The targets that the settings name, refused at the start where nothing could ever be delivered to them.

A sentence that refuses one names it, never its URL or a secret.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from mirror.errors import StartError
from mirror.event_kinds import BOOKKEEPING, EventKind
from mirror.setting_subscribers import Webhook
from mirror.settings import Settings
from mirror.upstream.hosts import host_of, is_private, origin_of
from watcher.feed.filters import EventFilter, Filter, names_and_globs
from watcher.webhooks.bodies import Form
from watcher.webhooks.signing import check_secret


@dataclass(frozen=True, slots=True)
class Chosen:
    """A target to which everything that it wants is sent.

    `key` stays the same across restarts and however the settings are ordered, as long as name, URL and form do.
    `secrets` are those to sign with, all of them; a message for a chat can be without.
    """

    key: str
    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    wanted: Filter
    form: Form
    timeout: timedelta
    allow_private: bool


def chosen(settings: Settings) -> tuple[Chosen, ...]:
    """The targets of the settings, in their order. Raises StartError, one line, where one of them cannot work."""
    found = tuple(_chosen(webhook, number) for number, webhook in enumerate(settings.webhooks, start=1))
    for name, count in Counter(one.name for one in found).items():
        if count > 1:
            raise StartError(f'webhooks: {count} of them are called "{name}"; give each a name of its own')
    return found


def _chosen(webhook: Webhook, number: int) -> Chosen:
    url = webhook.url.get_secret_value()
    origin = origin_of(url)
    if origin is None:
        raise StartError(f"{_called(webhook.name or str(number))}: its url has no host that can be used")
    name = webhook.name or host_of(origin)
    if not webhook.allow_private and is_private(origin):
        raise StartError(
            f"{_called(name)}: its url leads to a private address; where that is meant, set allow_private = true"
        )
    return Chosen(
        key=hashlib.sha256("\n".join((name, url, webhook.format)).encode()).hexdigest(),
        name=name,
        url=url,
        secrets=_secrets(webhook, name),
        wanted=_wanted(webhook, name),
        form=webhook.format,
        timeout=webhook.timeout,
        allow_private=webhook.allow_private,
    )


def _secrets(webhook: Webhook, name: str) -> tuple[str, ...]:
    secret, previous = webhook.secret.get_secret_value(), webhook.previous_secret.get_secret_value()
    if not secret and (previous or webhook.format != "slack"):
        raise StartError(
            f"{_called(name)}: it has no secret to sign with; set secret or secret_file, for instance to the output of "
            '`echo "whsec_$(openssl rand -base64 32)"`'
        )
    for key, given in (("secret", secret), ("previous_secret", previous)):
        try:
            if given:
                check_secret(given)
        except ValueError as e:
            raise StartError(f"{_called(name)}: its {key} is none: {e}") from e
    return tuple(filter(None, (secret, previous)))


def _wanted(webhook: Webhook, name: str) -> EventFilter:
    try:
        projects, patterns = names_and_globs(webhook.projects)
    except ValueError as e:
        raise StartError(f"{_called(name)}: one of its projects is none: {e}") from e
    return EventFilter(
        projects=projects,
        kinds=frozenset(webhook.kinds) or frozenset(EventKind) - BOOKKEEPING,
        patterns=patterns,
    )


def _called(name: str) -> str:
    return f"webhooks: {name}"
