"""Every setting can be found, and whatever cannot be used is refused in one line that names it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mirror.errors import StartError
from mirror.settings import Settings, default_data_dir, load


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("EVERPIN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "everpin.toml"


def refusal(config: Path | None) -> str:
    """The one line with which these settings are refused."""
    with pytest.raises(StartError) as caught:
        load(config)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense = 1", "nonsense: unknown setting"),
        ("[mirror]\nprot = 80", "mirror.prot: unknown setting"),
        ("[wachter]\nport = 80", "wachter: unknown setting"),
        ('[upstream]\ntimeout = "soon"', "upstream.timeout: a time span"),
        ("[upstream]\ntimeout = 12", "upstream.timeout: a time span"),
        ('[safety]\nmin_age = "99999999999999d"', "safety.min_age: a time span of at most 36500d"),
        ('[upstream]\ntimeout = "0"', "upstream.timeout: a time span of at least 0.1s"),
        ('[watcher]\npoll_interval = "-5s"', "watcher.poll_interval: a time span"),
        ('[watcher]\npoll_interval = "0s"', "watcher.poll_interval: a time span of at least 0.1s"),
        ('[safety]\nmin_age = "72"', "safety.min_age: a time span"),
        ('[safety]\nquarantine_memory = "always"', "safety.quarantine_memory: a time span"),
        (
            '[safety]\nreregistered = "always"',
            "safety.reregistered: Input should be 'owner', 'cooldown', 'serve' or 'hold'",
        ),
        ('[mirror]\nmemory = "64 MB"', "mirror.memory: a size"),
        ("[keep]\nmax_file_size = -1", "keep.max_file_size: a size"),
        ("[mirror]\nport = 0", "mirror.port: "),
        ("[watcher]\nport = 65536", "watcher.port: "),
        ('[mirror]\nport = "http"', "mirror.port: "),
        ('[upstream]\nindex_url = "index.example.org/simple"', "upstream.index_url: an http"),
        ('[upstream]\nindex_url = "https://me:secret@index.example.org/"', "upstream.index_url: a URL without"),
        ('[upstream]\nxmlrpc_url = "ftp://index.example.org/"', "upstream.xmlrpc_url: an http"),
        ('[mirror]\nbase_url = "mirror.example.org"', "mirror.base_url: an http"),
        ('[upstream]\nallowed_file_hosts = ["https://files.example.org/"]', "upstream.allowed_file_hosts: hosts"),
        ("[upstream]\nallowed_file_hosts = 5", "upstream.allowed_file_hosts: hosts"),
        ('[upstream]\ncontact = "me\\nX-Evil: 1"', "upstream.contact: "),
        ('[store]\nurl = "s3://B"', 'store.url: an address such as "file:'),
        ('[store]\nurl = "file:relative"', 'store.url: an address such as "file:'),
        ("[database]\npool_size = 1", "database.pool_size: "),
        ('[database]\nurl = "postgresql://h/d"\nurl_file = "/x"', "database: url and url_file exclude each other"),
        ('[database]\nurl_file = "/nowhere/at/all"', "database: url_file cannot be read"),
        ('[log]\nlevel = "loud"', "log.level: "),
        ("mirror = 5", "mirror: "),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(config: Path, text: str, sentence: str) -> None:
    """One line says which setting of which file, and what is wrong with it."""
    config.write_text(text)

    said = refusal(config)

    assert said.startswith(sentence)
    assert str(config) in said
    assert "secret" not in said


def test_all_that_is_wrong_is_told_at_once(config: Path) -> None:
    """Nobody should have to start five times to find five mistakes."""
    config.write_text('[mirror]\nport = 0\n[log]\nlevel = "loud"\n')

    said = refusal(config)

    assert "mirror.port: " in said
    assert "log.level: " in said


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A file that was named must be there: going on with defaults would surprise."""
    assert refusal(tmp_path / "none.toml").startswith(f"cannot read the configuration {tmp_path}/none.toml: ")


@pytest.mark.parametrize("body", [b"[mirror\n", b"[mirror]\nport = \n", b"title = '\xff'\n"])
def test_what_is_not_toml_is_refused(config: Path, body: bytes) -> None:
    """The parser's line and column are part of the sentence."""
    config.write_bytes(body)

    assert refusal(config).startswith(f"the configuration {config} is not valid TOML: ")


@pytest.mark.parametrize("name", ["EVERPIN_MIRROR__PROT", "EVERPIN_PORT", "EVERPIN_MIRROR", "everpin_mirror_port"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A misspelt variable would otherwise silently do nothing."""
    monkeypatch.setenv(name, "8090")

    assert refusal(None) == f"unknown setting in the environment: {name}"


def test_a_variable_that_looks_like_no_setting_is_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that says where the command is."""
    monkeypatch.setenv("EVERPIN_BIN", "/opt/everpin/bin/everpin")

    load(None)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("EVERPIN_MIRROR__PORT", "http", "mirror.port: "),
        ("EVERPIN_UPSTREAM__TIMEOUT", "soon", "upstream.timeout: a time span"),
        ("EVERPIN_UPSTREAM__ALLOWED_FILE_HOSTS", '["files.example.org"]', "upstream.allowed_file_hosts: hosts"),
    ],
)
def test_a_bad_variable_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """Values of the environment are judged like those of a file."""
    monkeypatch.setenv(name, value)

    said = refusal(None)

    assert said.startswith(sentence)
    assert "environment" in said


def test_the_environment_wins_over_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key by key: what the environment leaves out stays as the file says."""
    config.write_text('[mirror]\nport = 8090\nhost = "127.0.0.2"\n[safety]\nmin_age = "1h"\n')
    monkeypatch.setenv("EVERPIN_MIRROR__PORT", "8091")
    monkeypatch.setenv("EVERPIN_UPSTREAM__ALLOWED_FILE_HOSTS", "files.example.org, 127.0.0.1:8080")

    settings = load(config)

    assert (settings.mirror.port, settings.mirror.host) == (8091, "127.0.0.2")
    assert settings.safety.min_age == timedelta(hours=1)
    assert settings.upstream.allowed_file_hosts == ("files.example.org", "127.0.0.1:8080")


def test_the_data_directory_of_the_command_line_wins(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command line, then environment, then file, then the platform's own."""
    assert load(None).data_dir == default_data_dir().absolute()
    config.write_text('data_dir = "/of/the/file"')
    assert load(config).data_dir == Path("/of/the/file")
    monkeypatch.setenv("EVERPIN_DATA_DIR", "/of/the/environment")
    assert load(config).data_dir == Path("/of/the/environment")

    assert load(config, data_dir=tmp_path).data_dir == tmp_path


def test_the_database_url_can_stand_in_a_file_of_its_own(config: Path, tmp_path: Path) -> None:
    """The file's end of line is not part of the URL, and what it holds is a secret."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://everpin:hush@127.0.0.1/everpin\n")
    config.write_text(f'[database]\nurl_file = "{secret}"\n')

    settings = load(config)

    assert settings.database.url.get_secret_value() == "postgresql://everpin:hush@127.0.0.1/everpin"
    assert "hush" not in f"{settings!r}{settings.model_dump_json()}"


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    """Neither `repr` nor a dump holds the password of the database."""
    settings = Settings.model_validate({"database": {"url": SecretStr("postgresql://everpin:hush@127.0.0.1/everpin")}})

    assert "hush" not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("section", "key", "text", "value"),
    [
        ("upstream", "timeout", '"1500ms"', timedelta(seconds=1.5)),
        ("watcher", "poll_interval", '"1.5m"', timedelta(seconds=90)),
        ("safety", "min_age", '"0"', timedelta(0)),
        ("safety", "min_age", '"30d"', timedelta(days=30)),
        ("safety", "quarantine_memory", '"forever"', None),
        ("safety", "quarantine_memory", '"8760h"', timedelta(days=365)),
        ("mirror", "memory", '"0.5GiB"', 512 * 2**20),
        ("keep", "max_file_size", "1000", 1000),
        ("store", "url", '"file:/srv/everpin"', "file:/srv/everpin"),
        ("upstream", "allowed_file_hosts", '["[::1]:8080", "files.example.org"]', ("[::1]:8080", "files.example.org")),
    ],
)
def test_what_is_read_is_written_so_that_it_is_read_again(
    config: Path, section: str, key: str, text: str, value: Any
) -> None:
    """Spans, sizes and addresses survive being shown by `everpin config` and loaded from that."""
    config.write_text(f"[{section}]\n{key} = {text}\n")

    settings = load(config)
    shown = settings.model_dump(mode="json")[section]
    again = Settings.model_validate({section: {key: shown[key]}})

    assert getattr(getattr(settings, section), key) == value
    assert getattr(getattr(again, section), key) == value


@pytest.mark.parametrize(
    ("index_url", "journal_url"),
    [
        ("https://index.example.org/simple/", "https://index.example.org/pypi"),
        ("https://index.example.org/simple", "https://index.example.org/pypi"),
        ("http://127.0.0.1:8080/root/simple/", "http://127.0.0.1:8080/root/pypi"),
    ],
)
def test_the_journal_is_asked_for_beside_the_index(index_url: str, journal_url: str) -> None:
    """Unless its address is set."""
    settings = Settings.model_validate({"upstream": {"index_url": index_url}})
    other = Settings.model_validate({"upstream": {"index_url": index_url, "xmlrpc_url": "http://127.0.0.1:1/"}})

    assert settings.upstream.journal_url == journal_url
    assert other.upstream.journal_url == "http://127.0.0.1:1/"
