"""The verb `config`: the settings in effect, as a file could hold them."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from mirror.settings import Settings
from watcher.cli.group import options, run


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON instead of TOML.")
@options
@run
async def config(settings: Settings, as_json: bool) -> None:
    """Show the settings in effect, secrets masked.

    \b
    Example: everpin config --config /etc/everpin.toml
    """
    shown = _shown(settings.model_dump(mode="json"))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    for line in _toml(shown, ""):
        click.echo(line)


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a file would hold, so that the output can be one.

    What another file holds is never shown, and only one of the two may be set. TOML has no null: what is not set is
    left out.
    """
    return {
        key: _shown_value(value)
        for key, value in values.items()
        if value is not None and values.get(f"{key}_file") is None
    }


def _shown_value(value: object) -> object:
    if isinstance(value, dict):
        return _shown(value)
    return [_shown_value(one) for one in value] if isinstance(value, list) else value


def _toml(table: Mapping[str, Any], place: str) -> Iterator[str]:
    """The lines of a table: first its own keys, since none could follow another table's heading."""
    inner = {key: value for key, value in table.items() if isinstance(value, dict) or _are_tables(value)}
    for key, value in table.items():
        if key not in inner:
            yield f"{key} = {_as_toml(value)}"
    for key, value in inner.items():
        name = f"{place}{key}"
        heading = f"[{name}]" if isinstance(value, dict) else f"[[{name}]]"
        for one in [value] if isinstance(value, dict) else value:
            yield from ("", heading, *_toml(one, f"{name}."))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _as_toml(value: object) -> str:
    # Strings, numbers, booleans and lists of strings are written alike in JSON and TOML, but for one character.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
