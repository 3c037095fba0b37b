"""The sections of the settings that are about subscribers and operators: feed, locks, webhooks, admin."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from mirror.event_kinds import EventKind
from mirror.setting_sections import Section, with_secret_of_file
from mirror.setting_values import Names, Size, SpanOrForever, WaitingSpan, read_http_url

SHORTEST_RETENTION = timedelta(days=30)
_SHORTEST_TOKEN = 16


class Feed(Section):
    title: str = Field(default="Deleted from PyPI", max_length=200)
    """The title of the deleted-release feed."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """How many entries a feed document shows at least, where there are as many."""
    retention: SpanOrForever = None
    """How long events are held, at least 30d; or "forever". Whose cursor is older is told to read anew."""
    include_local: bool = False
    """Whether events tell how often this mirror's clients fetched the files in the 30 days before."""

    @field_validator("retention")
    @classmethod
    def _bound_retention(cls, retention: timedelta | None) -> timedelta | None:
        if retention is not None and retention < SHORTEST_RETENTION:
            raise ValueError(f'a time span of at least {SHORTEST_RETENTION.days}d, or "forever", is needed')
        return retention


class Locks(Section):
    enabled: bool = True
    """Whether a lock file can be given a private feed, which tells only what touches that lock."""
    max_count: int = Field(default=1000, ge=0, le=1_000_000)
    """How many lock files can have one at a time."""
    max_body: Size = 5 * 2**20
    """The largest lock file that is taken over HTTP."""


class Webhook(Section):
    name: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9._-]*$")
    """What `everpin webhooks` calls it. Empty: its URL's host. Where two would have one name, both need their own. With
    another url it goes on where it was; with another name it begins anew."""
    url: SecretStr
    """Where events are sent to, by POST. It is never shown, since some of these addresses are secrets themselves."""
    secret: SecretStr = SecretStr("")
    """What deliveries are signed with, as Standard Webhooks has it: "whsec_" and base64 of 24 to 64 bytes. Only the
    format "slack" can do without."""
    secret_file: Path | None = None
    """A file that holds the secret, for those who keep it out of configuration."""
    previous_secret: SecretStr = SecretStr("")
    """The secret that is being replaced: as long as it is set, deliveries carry a signature of each."""
    previous_secret_file: Path | None = None
    """A file that holds that."""
    kinds: tuple[EventKind, ...] = ()
    """The kinds of events that are sent. Empty: those of the deletion feed."""
    projects: Names = ()
    """The projects whose events are sent; `*` stands for anything. Empty: all."""
    format: Literal["cloudevents", "json", "slack"] = "cloudevents"
    """What a body is: the CloudEvent; "json", an object with `type`, `timestamp` and `data`; or "slack", a message as
    Slack's incoming webhooks take them, and those of many others."""
    timeout: WaitingSpan = timedelta(seconds=15)
    """How long one delivery may take."""
    allow_private: bool = False
    """Whether the URL may lead to an address that is not public, such as one of your own network."""

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, given: Any) -> Any:
        return with_secret_of_file(with_secret_of_file(given, "secret"), "previous_secret")

    @field_validator("url")
    @classmethod
    def _demand_http(cls, url: SecretStr) -> SecretStr:
        read_http_url(url.get_secret_value())
        return url


class AdminToken(Section):
    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    """Who orders, as it is recorded with each act."""
    token: SecretStr = SecretStr("")
    """What is sent as `Authorization: Bearer`; at least 16 characters."""
    token_file: Path | None = None
    """A file that holds the token, for those who keep it out of configuration."""
    scopes: tuple[Literal["block", "release", "purge", "read"], ...] = ("read",)
    """What may be ordered with it: "block" also unblocks, "purge" also unpurges, "read" shows the acts."""

    @model_validator(mode="before")
    @classmethod
    def _read_token_file(cls, given: Any) -> Any:
        return with_secret_of_file(given, "token")

    @field_validator("token")
    @classmethod
    def _demand_length(cls, token: SecretStr) -> SecretStr:
        return _long_enough(token)


class Admin(Section):
    token: SecretStr = SecretStr("")
    """One token, named "admin", with which everything may be ordered. Without any token there is no admin API."""
    token_file: Path | None = None
    """A file that holds it, for those who keep it out of configuration."""
    tokens: tuple[AdminToken, ...] = ()
    """Tokens for others, each with a name and what may be ordered with it."""

    @model_validator(mode="before")
    @classmethod
    def _read_token_file(cls, given: Any) -> Any:
        return with_secret_of_file(given, "token")

    @field_validator("token")
    @classmethod
    def _demand_length(cls, token: SecretStr) -> SecretStr:
        return _long_enough(token) if token.get_secret_value() else token

    @model_validator(mode="after")
    def _demand_different_tokens(self) -> "Admin":
        names = [token.name for token in self.tokens] + (["admin"] if self.token.get_secret_value() else [])
        if len(set(names)) < len(names):
            raise ValueError("each token needs a name of its own")
        values = {token.get_secret_value() for token in (self.token, *(each.token for each in self.tokens))}
        if len(values) <= len(self.tokens):
            raise ValueError("two tokens are the same, so that nobody could say whose order it was")
        return self


def _long_enough(token: SecretStr) -> SecretStr:
    value = token.get_secret_value()
    if len(value) < _SHORTEST_TOKEN or not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(f"a token of at least {_SHORTEST_TOKEN} printable ASCII characters is needed")
    return token
