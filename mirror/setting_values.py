"""The kinds of values that settings have, each with its way of being written: "5m", "64MiB", a URL, a list of hosts."""

import ipaddress
import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr
from pydantic_settings import NoDecode

_SPAN = re.compile(r"\A(\d+(?:\.\d+)?)(ms|s|m|h|d)?\Z")
_SPAN_UNIT = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
# Added to any date of these centuries it still is a date.
_LONGEST_SPAN = timedelta(days=36_500)
_SHORTEST_WAIT = timedelta(milliseconds=100)
_SIZE = re.compile(r"\A(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB)\Z")
_SIZE_UNIT = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_NAME_PATTERN = re.compile(r"\A[A-Za-z0-9*][A-Za-z0-9._*-]{0,199}\Z")
_BUCKET = re.compile(r"\As3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?\Z")
_PERCENTAGE = re.compile(r"\A(\d+(?:\.\d+)?)%\Z")
_HOST = re.compile(r"\A(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?\Z")


class Reregistered(StrEnum):
    """What is done with new files of a name that was registered again after its project had been removed."""

    OWNER = "owner"
    COOLDOWN = "cooldown"
    SERVE = "serve"
    HOLD = "hold"


class JournalSource(StrEnum):
    """What tells of news upstream."""

    AUTO = "auto"
    CHANGELOG = "changelog"
    RSS = "rss"


class Inventory(StrEnum):
    """Whose pages are observed."""

    KNOWN = "known"
    TOUCHED = "touched"
    ALL = "all"


class Scope(StrEnum):
    """Which files are kept without being deleted first."""

    REQUESTED = "requested"
    WATCHED = "watched"
    ALL = "all"


class Unexplained(StrEnum):
    """What is done with files that are gone from the index without a row of the journal."""

    SETTLE = "settle"
    HOLD = "hold"
    KEEP = "keep"


def _read_span(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    found = _SPAN.match(value) if isinstance(value, str) else None
    if found is None or (found[2] is None and float(found[1]) != 0):
        raise ValueError('a time span such as "90s", "5m", "72h" or "30d" is needed')
    seconds = float(found[1]) * _SPAN_UNIT[found[2] or "s"]
    if seconds > _LONGEST_SPAN.total_seconds():
        raise ValueError(f"a time span of at most {_LONGEST_SPAN.days}d is needed")
    return timedelta(seconds=seconds)


def read_span(text: str) -> timedelta:
    """The time span that the text shows, such as "72h". Raises ValueError with a sentence where it shows none."""
    span = _read_span(text)
    if not isinstance(span, timedelta):
        raise TypeError("a span is a timedelta")
    return span


def _write_span(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SPAN_UNIT[unit] == 0:
            return f"{seconds / _SPAN_UNIT[unit]:.0f}{unit}"
    return f"{seconds:g}s" if seconds else "0"


def _read_size(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _SIZE.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a size such as "64MiB" or "4GiB" is needed')
    return int(float(found[1]) * _SIZE_UNIT[found[2]])


def _write_size(value: int) -> str:
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if value and value % _SIZE_UNIT[unit] == 0:
            return f"{value // _SIZE_UNIT[unit]}{unit}"
    return f"{value}B"


def _read_waiting_span(value: object) -> object:
    span = _read_span(value)
    if isinstance(span, timedelta) and span < _SHORTEST_WAIT:
        raise ValueError(f"a time span of at least {_write_span(_SHORTEST_WAIT)} is needed")
    return span


def _read_memory(value: object) -> object:
    return None if value in (None, "forever") else _read_span(value)


def _write_memory(value: timedelta | None) -> str:
    return "forever" if value is None else _write_span(value)


def read_http_url(value: object) -> object:
    """The value, where it is a URL of HTTP without a user; else ValueError."""
    if not isinstance(value, str):
        raise ValueError("a URL is needed")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("an http:// or https:// URL is needed")
    if parts.username or parts.password:
        raise ValueError("a URL without user name and password is needed")
    return value


def _read_index_url(value: object) -> object:
    # With or without the slash it is the same index, and a catalog must not take it for another.
    return f"{str(read_http_url(value)).rstrip('/')}/"


def _read_proxy_url(value: object) -> object:
    given = value.get_secret_value() if isinstance(value, SecretStr) else value
    if given == "":
        return given
    parts = urlsplit(str(given))
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError('an address such as "http://proxy.example.org:3128" is needed')
    return given


def _read_networks(value: object) -> object:
    networks = _split(value)
    for network in networks if isinstance(networks, list | tuple) else [networks]:
        try:
            ipaddress.ip_network(network if isinstance(network, str) else "")
        except ValueError as e:
            raise ValueError('addresses or networks such as "127.0.0.1" or "10.0.0.0/8" are needed') from e
    return networks


def _read_quota(value: object) -> object:
    if isinstance(value, float) and 0 < value <= 1:
        return value
    share = _PERCENTAGE.match(value) if isinstance(value, str) else None
    if share is not None and 0 < float(share[1]) <= 100:
        return float(share[1]) / 100
    try:
        return _read_size(value)
    except ValueError as e:
        raise ValueError('a share such as "80%" or a size such as "500GiB" is needed') from e


def _write_quota(value: float) -> str:
    return _write_size(value) if isinstance(value, int) else f"{value * 100:g}%"


def _read_bandwidth(value: object) -> object:
    return 0 if value == "" else _read_size(value)


def _write_bandwidth(value: int) -> str:
    return _write_size(value) if value else ""


def _read_store_url(value: object) -> object:
    if value == "" or (isinstance(value, str) and (value.startswith("file:/") or _BUCKET.match(value))):
        return value
    raise ValueError('an address such as "file:/srv/everpin" or "s3://bucket/prefix" is needed')


def _split(value: object) -> object:
    """A list as it is; in the environment, which has none, commas separate."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _read_names(value: object) -> object:
    names = _split(value)
    for name in names if isinstance(names, list | tuple) else [names]:
        if not isinstance(name, str) or not _NAME_PATTERN.match(name):
            raise ValueError('names such as "requests" or "acme-*" are needed')
    return names


def _read_hosts(value: object) -> object:
    hosts = _split(value)
    for host in hosts if isinstance(hosts, list | tuple) else [hosts]:
        if not isinstance(host, str) or not _HOST.match(host):
            raise ValueError('hosts such as "files.example.org" or "127.0.0.1:8080" are needed')
    return hosts


Span = Annotated[timedelta, BeforeValidator(_read_span), PlainSerializer(_write_span)]
WaitingSpan = Annotated[timedelta, BeforeValidator(_read_waiting_span), PlainSerializer(_write_span)]
Size = Annotated[int, BeforeValidator(_read_size), PlainSerializer(_write_size)]
SpanOrForever = Annotated[timedelta | None, BeforeValidator(_read_memory), PlainSerializer(_write_memory)]
IndexUrl = Annotated[str, BeforeValidator(_read_index_url)]
OptionalHttpUrl = Annotated[str, BeforeValidator(lambda value: value if value == "" else read_http_url(value))]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_names)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_hosts)]
OptionalProxyUrl = Annotated[SecretStr, BeforeValidator(_read_proxy_url)]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_read_networks)]
Quota = Annotated[int | float, BeforeValidator(_read_quota), PlainSerializer(_write_quota)]
"""A share of the disk as a float, or bytes as an integer."""
Bandwidth = Annotated[int, BeforeValidator(_read_bandwidth), PlainSerializer(_write_bandwidth)]
StoreUrl = Annotated[str, BeforeValidator(_read_store_url)]
Port = Annotated[int, Field(ge=1, le=65535)]
