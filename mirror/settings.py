"""Every setting, declared and explained once.

`load` reads a TOML file, lets `EVERPIN_<SECTION>__<KEY>` in the environment override it, and reads secrets also from
`<key>_file`. An unknown key or a bad value is a `StartError` of one line that names the setting. `config.example.toml`
shows each setting with its default; a test holds the two together.
"""

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mirror.errors import StartError
from mirror.setting_values import (
    Hosts,
    IndexUrl,
    OptionalHttpUrl,
    Port,
    Reregistered,
    Size,
    Span,
    SpanOrForever,
    StoreUrl,
    WaitingSpan,
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)


def _default_index_url() -> str:
    # Imported here because the package is large and only its one constant is needed.
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT


class Upstream(_Section):
    index_url: IndexUrl = Field(default_factory=_default_index_url)
    """The simple index to mirror. One catalog belongs to one index. Default: PyPI's."""
    xmlrpc_url: OptionalHttpUrl = ""
    """Where the journal is asked for. Empty: `/pypi` on the index's host."""
    contact: str = Field(default="", max_length=200, pattern=r"^[\x20-\x7e]*$")
    """A mail address or page where upstream's operators reach you; sent in the User-Agent."""
    timeout: WaitingSpan = timedelta(seconds=12)
    """The longest wait for upstream's next byte. Keep it below pip's own 15 s."""
    allowed_file_hosts: Hosts = ()
    """Hosts ("host" or "host:port") that files may be fetched from. Empty: the index's own origin and those of the
    first page observed, frozen from then on (`everpin status` shows them)."""

    @property
    def journal_url(self) -> str:
        """The address of the XML-RPC interface."""
        if self.xmlrpc_url:
            return self.xmlrpc_url
        parts = urlsplit(self.index_url)
        root = parts.path.rstrip("/").removesuffix("/simple")
        return f"{parts.scheme}://{parts.netloc}{root}/pypi"


class Database(_Section):
    url: SecretStr = SecretStr("")
    """A PostgreSQL URL. Empty: a server of everpin's own in the data directory."""
    url_file: Path | None = None
    """A file that holds the URL, for those who keep its password out of configuration."""
    pool_size: int = Field(default=8, ge=2, le=200)
    """Connections each process holds at most."""

    @model_validator(mode="before")
    @classmethod
    def _read_url_file(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("url_file"):
            return given
        if given.get("url"):
            raise ValueError("url and url_file exclude each other")
        try:
            return given | {"url": Path(given["url_file"]).read_text().strip()}
        except OSError as e:
            raise ValueError(f"url_file cannot be read: {e.strerror}") from e


class Store(_Section):
    url: StoreUrl = ""
    """Where the bytes are kept: `file:/absolute/directory`. Empty: `store` in the data directory."""


class Mirror(_Section):
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Port = 8080
    """The port to listen on."""
    base_url: OptionalHttpUrl = ""
    """The address under which clients reach this mirror; the `source` of events. Empty: the instance's own URN."""
    stale_after: Span = timedelta(minutes=5)
    """While no journal vouches for pages, one older than this is asked for again before it is served."""
    max_trust: Span = timedelta(hours=1)
    """Even while the journal vouches for it, a page older than this is asked for again."""
    memory: Size = 64 * 2**20
    """The most memory that rendered pages may take, in each process."""


class Keep(_Section):
    workers: int = Field(default=4, ge=1, le=64)
    """How many files of the backlog are fetched at a time."""
    max_file_size: Size = 4 * 2**30
    """A larger file is not fetched."""


class Watcher(_Section):
    poll_interval: WaitingSpan = timedelta(seconds=30)
    """How often the journal is asked for news."""
    host: str = "127.0.0.1"
    """Where `everpin watch` answers `/healthz`, `/readyz` and `/metrics`."""
    port: Port = 8081
    """The port `everpin watch` listens on."""

    @property
    def patience(self) -> timedelta:
        """For how long the journal vouches for what was read of it: two looks may fail, the third must not."""
        return self.poll_interval * 3


class Safety(_Section):
    min_age: Span = timedelta(hours=72)
    """A file that left upstream younger than this is held: its bytes are kept, but not served."""
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


class Feed(_Section):
    title: str = Field(default="Deleted from PyPI", max_length=200)
    """The title of the deleted-release feed."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """How many entries a feed document shows at least, where there are as many."""


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged at least: "debug", "info", "warning" or "error"."""
    format: Literal["console", "json"] = "console"
    """Lines for people, "console", or for machines, "json"."""
    access: bool = False
    """Whether each request is logged."""


def default_data_dir() -> Path:
    """Where everything is kept unless told otherwise: `/var/lib/everpin` for root, else the user's data directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/everpin")
    return Path(platformdirs.user_data_dir("everpin", appauthor=False))


class Settings(BaseSettings):
    """All sections. Built by `load`, or directly in tests with the sections given as keyword arguments."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="EVERPIN_",
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    """Everything this instance keeps on disk: the embedded database, the store, spooled downloads."""
    upstream: Upstream = Field(default_factory=Upstream)
    database: Database = Field(default_factory=Database)
    store: Store = Field(default_factory=Store)
    mirror: Mirror = Field(default_factory=Mirror)
    keep: Keep = Field(default_factory=Keep)
    watcher: Watcher = Field(default_factory=Watcher)
    safety: Safety = Field(default_factory=Safety)
    feed: Feed = Field(default_factory=Feed)
    log: Log = Field(default_factory=Log)

    @property
    def store_dir(self) -> Path:
        """The directory that holds the bytes."""
        return Path(self.store.url.removeprefix("file:")) if self.store.url else self.data_dir / "store"

    @property
    def spool_dir(self) -> Path:
        """The directory in which downloads grow until they are verified."""
        return self.data_dir / "spool"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings' own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - see above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - see above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The environment wins over the file, which arrives as keyword arguments.
        return env_settings, init_settings


def load(config: Path | None, *, data_dir: Path | None = None) -> Settings:
    """The settings of `config` (none: only defaults), overridden by the environment and then by `data_dir`.

    Raises StartError with one line that names the setting and what is wrong with it.
    """
    given = _read_toml(config) if config else {}
    _refuse_unknown_environment()
    try:
        settings = Settings(**given)
    except ValidationError as e:
        raise StartError(_sentence(e, config)) from e
    except ValueError as e:  # pydantic-settings wraps unreadable JSON in an environment variable so
        raise StartError(f"bad setting in the environment: {e}") from e
    chosen = data_dir or settings.data_dir
    return settings.model_copy(update={"data_dir": chosen.expanduser().absolute()})


def _read_toml(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as e:
        raise StartError(f"cannot read the configuration {config}: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise StartError(f"the configuration {config} is not valid TOML: {e}") from e


def _refuse_unknown_environment() -> None:
    known = set()
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            known |= {f"EVERPIN_{name}__{key}".upper() for key in section.model_fields}
        else:
            known.add(f"EVERPIN_{name}".upper())
    for variable in os.environ:
        if variable.upper().startswith("EVERPIN_") and variable.upper() not in known:
            raise StartError(f"unknown setting in the environment: {variable}")


def _sentence(error: ValidationError, config: Path | None) -> str:
    said = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"]) or "configuration"
        what = "unknown setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        said.append(f"{where}: {what.removeprefix('Value error, ')}")
    source = f" (in {config} or the environment)" if config else " (in the environment)"
    return "; ".join(said) + source
