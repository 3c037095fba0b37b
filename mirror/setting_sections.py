"""The sections of the settings: every setting declared and explained, once.

`settings` puts them together and loads them. `config.example.toml` shows each with its default; a test holds the two
together, word by word.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mirror.setting_values import (
    Bandwidth,
    Hosts,
    IndexUrl,
    Inventory,
    JournalSource,
    Names,
    Networks,
    OptionalHttpUrl,
    OptionalProxyUrl,
    Port,
    Quota,
    Reregistered,
    Scope,
    Share,
    Size,
    Span,
    SpanOrForever,
    StoreUrl,
    Unexplained,
    WaitingSpan,
)


class Section(BaseModel):
    """What all sections have in common: unknown keys are refused, docstrings explain."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)


def with_secret_of_file(given: Any, key: str) -> Any:
    """What was given, with the secret read from the file that `<key>_file` names."""
    if not isinstance(given, dict) or not given.get(f"{key}_file"):
        return given
    if given.get(key):
        raise ValueError(f"{key} and {key}_file exclude each other")
    try:
        return given | {key: Path(given[f"{key}_file"]).read_text().strip()}
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        raise ValueError(f"{key}_file cannot be read: {reason}") from e


def default_index_url() -> str:
    """The simple index of PyPI."""
    # Imported here because the package is large and only its one constant is needed.
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT


class Upstream(Section):
    index_url: IndexUrl = Field(default_factory=default_index_url)
    """The simple index to mirror. One catalog belongs to one index. Default: PyPI's."""
    xmlrpc_url: OptionalHttpUrl = ""
    """Where the journal is asked for. Empty: `/pypi` on the index's host."""
    rss_url: OptionalHttpUrl = ""
    """Where the feed of new releases is asked for while the journal cannot be read. Empty: `/rss/updates.xml` on the
    index's host."""
    contact: str = Field(default="", max_length=200, pattern=r"^[\x20-\x7e]*$")
    """A mail address or page where upstream's operators reach you; sent in the User-Agent."""
    timeout: WaitingSpan = timedelta(seconds=12)
    """The longest wait for upstream's next byte. Keep it below pip's own 15 s."""
    allowed_file_hosts: Hosts = ()
    """Hosts ("host" or "host:port") that files may be fetched from. Empty: the index's own origin and those of the
    first page observed, frozen from then on (`everpin status` shows them)."""

    proxy: OptionalProxyUrl = SecretStr("")
    """The HTTP proxy through which upstream is asked, such as "http://proxy.example.org:3128", with a user name and a
    password where it wants them. Empty: none; the environment's proxies are not heeded."""
    ca_file: Path | None = None
    """Certificates of authorities, in PEM, that are trusted besides those that the system trusts; for instance your
    company's. Whatever upstream is asked over TLS must have a certificate of one of them."""
    username: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f:]*$")
    """Sent, with the password, to the index's own origin and nowhere else."""
    password: SecretStr = SecretStr("")
    """The password that goes with it."""
    password_file: Path | None = None
    """A file that holds the password, for those who keep it out of configuration."""
    private_names: Names = ()
    """Projects that upstream is never asked for and never supplies, such as your own; `*` stands for anything."""

    @model_validator(mode="before")
    @classmethod
    def _read_password_file(cls, given: Any) -> Any:
        return with_secret_of_file(given, "password")

    @model_validator(mode="after")
    def _demand_username(self) -> "Upstream":
        if self.password.get_secret_value() and not self.username:
            raise ValueError("password needs a username beside it")
        return self

    @property
    def journal_url(self) -> str:
        """The address of the XML-RPC interface."""
        return self.xmlrpc_url or f"{self._root}/pypi"

    @property
    def updates_url(self) -> str:
        """The address of the feed of new releases."""
        return self.rss_url or f"{self._root}/rss/updates.xml"

    @property
    def _root(self) -> str:
        parts = urlsplit(self.index_url)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/simple')}"


class Database(Section):
    url: SecretStr = SecretStr("")
    """A PostgreSQL URL. Empty: a server of everpin's own in the data directory."""
    url_file: Path | None = None
    """A file that holds the URL, for those who keep its password out of configuration."""
    pool_size: int = Field(default=8, ge=2, le=200)
    """Connections that each process shares out; it has one or two more, to listen and, as a watcher, to lead."""

    @model_validator(mode="before")
    @classmethod
    def _read_url_file(cls, given: Any) -> Any:
        return with_secret_of_file(given, "url")


class Store(Section):
    url: StoreUrl = ""
    """Where the bytes are kept: `file:/absolute/directory` or `s3://bucket/prefix`. Empty: `store` in the data
    directory. A bucket's credentials are found as every program of AWS finds them, such as in the environment."""
    endpoint_url: OptionalHttpUrl = ""
    """The address of an S3 server other than that of AWS."""
    region: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9-]*$")
    """The bucket's region. Empty: as AWS's own configuration says, else "us-east-1"."""
    serve: Literal["stream", "redirect"] = "stream"
    """How files get from a bucket to clients. "stream": through this mirror. "redirect": clients are sent to an address
    in the bucket that is theirs for `presign_ttl`."""
    presign_ttl: WaitingSpan = timedelta(seconds=60)
    """For how long such an address works; at most 60s, since a takedown does not reach it."""

    @model_validator(mode="after")
    def _bound_presign_ttl(self) -> "Store":
        if not timedelta(seconds=1) <= self.presign_ttl <= timedelta(seconds=60):
            raise ValueError("presign_ttl must be between 1s and 60s")
        return self


class Mirror(Section):
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Port = 8080
    """The port to listen on."""
    base_url: OptionalHttpUrl = ""
    """The address under which clients reach this mirror; the `source` of events. Empty: the instance's own URN."""
    trusted_proxies: Networks = ()
    """Addresses and networks of reverse proxies whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are believed,
    such as "127.0.0.1" or "10.0.0.0/8"."""
    processes: int = Field(default=1, ge=1, le=64)
    """How many processes answer HTTP."""
    stale_after: Span = timedelta(minutes=5)
    """While no journal vouches for pages, one older than this is asked for again before it is served."""
    max_trust: Span = timedelta(hours=1)
    """Even while the journal vouches for it, a page older than this is asked for again."""
    memory: Size = 64 * 2**20
    """The most memory that rendered pages and small files may take, in each process."""


class Keep(Section):
    scope: Scope = Scope.REQUESTED
    """Which files are kept without being deleted first. "requested": those that somebody asked for. "watched": also all
    of watched projects. "all": all of every known project."""
    watch: Names = ()
    """Projects to watch; `*` stands for anything. `everpin watchlist` adds more."""
    workers: int = Field(default=4, ge=1, le=64)
    """How many files of the backlog are fetched at a time."""
    max_file_size: Size = 4 * 2**30
    """A larger file is not fetched."""
    quota: Quota = 0.8
    """The most that the store may take: a share of its disk such as "80%", or a size such as "500GiB". What can be
    fetched again makes room, what was asked for least lately first; nothing that left upstream ever does. A bucket has
    no size of its own, so there only a size counts."""
    bandwidth: Bandwidth = 0
    """The most that is fetched each second while no client waits, such as "10MiB". Empty: no limit."""


class Watcher(Section):
    source: JournalSource = JournalSource.AUTO
    """What tells of news. "changelog": the journal over XML-RPC. "rss": the feed of new releases; it only says which
    pages to look at, and proves no deletion. "auto": the journal, and the feed as long as that cannot be read."""
    inventory: Inventory = Inventory.KNOWN
    """Whose pages are observed. "known": those of projects that somebody asked this mirror for. "touched": also those
    of every project that a row of the journal names. "all": those of all projects of the index, a few each second."""
    poll_interval: WaitingSpan = timedelta(seconds=30)
    """How often the journal is asked for news."""
    confirm_interval: WaitingSpan = timedelta(minutes=5)
    """A file that the page lacks though no row of the journal says why must be missing again after this time before
    that means anything."""
    refresh_interval: WaitingSpan = timedelta(hours=6)
    """How often the page of each known project is looked at, whether or not the journal names it, spread evenly; less
    often where that would take more than a few requests a second."""
    sweep_interval: WaitingSpan = timedelta(hours=6)
    """How often the list of all projects is compared with what is known."""
    brake: Share = 0.02
    """When this share of the known projects, and at least three, lack files without a row that says why, the index is
    believed to be broken, and none of it is acted on."""
    brake_hold: Span = timedelta(hours=24)
    """After so long of the same picture it is believed after all, unless it shows ten times as many."""
    host: str = "127.0.0.1"
    """Where `everpin watch` answers `/healthz`, `/readyz` and `/metrics`."""
    port: Port = 8081
    """The port `everpin watch` listens on."""

    @property
    def patience(self) -> timedelta:
        """For how long the journal vouches for what was read of it: two looks may fail, the third must not."""
        return self.poll_interval * 3


class Safety(Section):
    min_age: Span = timedelta(hours=72)
    """A file that left upstream younger than this is held: its bytes are kept, but not served."""
    min_project_age: Span = timedelta(days=90)
    """Files of a project that was removed whole and was younger than this wait for `settle`: its owner's removal and
    that of malware look the same."""
    settle: Span = timedelta(hours=24)
    """For how long they wait; and where advisories are read, until those are recent."""
    unexplained: Unexplained = Unexplained.SETTLE
    """What happens to files that are gone from the index though no row of the journal says so. "settle": they are kept
    as long as no journal covers the time, and held once one has covered it for 24 hours and has no such row. "hold":
    they are held at once. "keep": they are kept."""
    quarantine_memory: SpanOrForever = None
    """For how long a quarantine, though cleared, keeps a file deleted after it from being served; or "forever"."""
    reregistered: Reregistered = Reregistered.OWNER
    """What happens to new files of a name that was registered again after its project had been deleted. "owner": they
    are held for `cooldown` where one of those who owned the name before owns it again, or where this mirror did not
    know it before; else until an operator releases them. "cooldown": for `cooldown`, whoever it is. "serve": served at
    once. "hold": all wait for an operator."""
    cooldown: Span = timedelta(hours=72)
    """For how long they are held, from the first of them on, or from when a former owner got a name back that others
    had taken. One that is deleted meanwhile stays held."""
    departed_projects: Literal["yanked", "as_was"] = "yanked"
    """How kept files of a project are listed of which nothing is live any more. "yanked": as always, so that only exact
    pins find them. "as_was": as they were before."""
    serve_departed: Literal["kept", "never"] = "kept"
    """Whether kept files are served, "kept", or only kept and held, "never"."""
    new_release_delay: Span = timedelta(0)
    """A file that upstream lists is not served before it is so old. The careful choose 24h; 0 serves it at once."""
    undelayed: Names = ()
    """Projects whose new files are served at once all the same, such as your own; `*` stands for anything."""
    osv_url: OptionalHttpUrl | Literal["auto"] = "auto"
    """Where advisories of malware are read: OSV's records for PyPI, that is `all.zip`, `modified_id.csv` and a file for
    each record below this address. Empty: nowhere. "auto": at OSV's own where the index is PyPI, else nowhere."""
    osv_interval: WaitingSpan = timedelta(minutes=15)
    """How often they are asked for news."""


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged at least: "debug", "info", "warning" or "error"."""
    format: Literal["console", "json"] = "console"
    """Lines for people, "console", or for machines, "json"."""
    access: bool = False
    """Whether each request is logged."""
