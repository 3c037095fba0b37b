"""All settings, put together and loaded.

`load` reads a TOML file, lets `EVERPIN_<SECTION>__<KEY>` in the environment override it, and reads secrets also from
`<key>_file`. An unknown key or a bad value is a `StartError` of one line that names the setting. What settings there
are stands in `setting_sections`.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mirror.errors import StartError
from mirror.setting_sections import (
    Database,
    Keep,
    Log,
    Mirror,
    Safety,
    Section,
    Store,
    Upstream,
    Watcher,
    default_index_url,
)
from mirror.setting_subscribers import Admin, Feed, Locks, Webhook

_OSV_OF_PYPI = "https://osv-vulnerabilities.storage.googleapis.com/PyPI"


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
        # Some of what is given are secrets, and a traceback shows the error as it is.
        hide_input_in_errors=True,
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
    locks: Locks = Field(default_factory=Locks)
    webhooks: tuple[Webhook, ...] = ()
    """Where events are pushed to, signed as Standard Webhooks has it, each in order and at least once."""
    admin: Admin = Field(default_factory=Admin)
    log: Log = Field(default_factory=Log)

    def on_database(self, url: str) -> "Settings":
        """The same settings for one who shares the database that somebody else found or started."""
        database = self.database.model_copy(update={"url": SecretStr(url)})
        return self.model_copy(update={"database": database})

    @property
    def osv_url(self) -> str:
        """Where advisories are read; empty for nowhere."""
        if self.safety.osv_url != "auto":
            return self.safety.osv_url
        return _OSV_OF_PYPI if self.upstream.index_url == default_index_url() else ""

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
    beginnings: set[str] = set()
    for name, field in Settings.model_fields.items():
        section = field.annotation
        beginnings.add(f"EVERPIN_{name}".upper())
        if isinstance(section, type) and issubclass(section, Section):
            known |= {f"EVERPIN_{name}__{key}".upper() for key in section.model_fields}
            beginnings |= {f"EVERPIN_{key}".upper() for key in section.model_fields}
        else:
            known.add(f"EVERPIN_{name}".upper())
    for variable in os.environ:
        given = variable.upper()
        if not given.startswith("EVERPIN_") or given in known:
            continue
        # Others may have variables of that name for purposes of their own, such as where the command is.
        if "__" in given or given.startswith(tuple(beginnings)):
            raise StartError(f"unknown setting in the environment: {variable}")


def _sentence(error: ValidationError, config: Path | None) -> str:
    said = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"]) or "configuration"
        what = "unknown setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        said.append(f"{where}: {what.removeprefix('Value error, ')}")
    source = f" (in {config} or the environment)" if config else " (in the environment)"
    return "; ".join(said) + source
