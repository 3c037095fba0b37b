"""What can be asked for explains itself: commands by their help, settings by `config`, which keeps secrets."""

import json
import tomllib
from pathlib import Path

import click
import pytest

from mirror.setting_sections import Safety
from mirror.settings import Settings
from tests.watcher.cli.shells import COMMANDS, Shell
from watcher.cli.group import everpin


def _all_commands() -> dict[str, click.Command]:
    """Every command by what is typed for it, those of groups too."""
    found: dict[str, click.Command] = {}
    for name, command in everpin.commands.items():
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": one for below, one in command.commands.items()}
    return found


@pytest.mark.parametrize("name", sorted(_all_commands()))
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    """`--help` shows a command line that can be copied, and every option says what it does."""
    command = _all_commands()[name]
    with click.Context(command, info_name=f"everpin {name}") as context:
        said = command.get_help(context)

    assert f"Example: everpin {name}" in said
    assert [param.name for param in command.params if isinstance(param, click.Option) and not param.help] == []


async def test_help_and_version_are_answers(shell: Shell) -> None:
    """Both go to standard output and end well."""
    helped = await shell.run("--help")
    versioned = await shell.run("--version")

    assert (helped.status, helped.err) == (0, "")
    assert all(name in helped.out for name in COMMANDS)
    assert (versioned.status, versioned.out.split()[0]) == (0, "everpin,")


async def test_config_shows_a_file_that_loads_to_the_same_settings(shell: Shell, tmp_path: Path) -> None:
    """What is shown can be saved and used; nothing is left out, and nothing changes on the way."""
    config = tmp_path / "everpin.toml"
    config.write_text(
        '[feed]\ntitle = "Gone \\u007f \\"for good\\" \\\\ ü"\n'
        '[safety]\nmin_age = "36h"\nquarantine_memory = "90d"\n'
        '[upstream]\nallowed_file_hosts = ["files.example.org", "127.0.0.1:8080"]\n'
        "[mirror]\nmemory = 1000\n[log]\naccess = true\n"
    )

    first = await shell.run("config", "--config", str(config))
    config.write_text(first.out)
    second = await shell.run("config", "--config", str(config))
    as_json = await shell.run("config", "--json", "--config", str(config))

    assert (first.status, first.err) == (0, "")
    assert first.out == second.out
    shown = tomllib.loads(first.out)
    assert json.loads(as_json.out) == shown
    assert shown["feed"]["title"] == 'Gone \x7f "for good" \\ ü'
    assert (shown["safety"]["min_age"], shown["safety"]["quarantine_memory"]) == ("36h", "90d")
    assert list(shown["safety"]) == list(Safety.model_fields)
    assert set(shown) == set(Settings.model_fields)


async def test_config_masks_secrets(shell: Shell, tmp_path: Path) -> None:
    """A password shows neither from the environment nor from a file of its own, whose name does."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://everpin:hush@127.0.0.1/everpin")

    in_variable = await shell.run("config", EVERPIN_DATABASE__URL="postgresql://everpin:hush@127.0.0.1/everpin")
    in_file = await shell.run("config", EVERPIN_DATABASE__URL_FILE=str(secret))

    assert tomllib.loads(in_variable.out)["database"] == {"url": "**********", "pool_size": 8}
    assert tomllib.loads(in_file.out)["database"] == {"url_file": str(secret), "pool_size": 8}
    assert "hush" not in in_variable.out + in_variable.err + in_file.out + in_file.err


async def test_config_shows_settings_of_which_there_are_several(shell: Shell, tmp_path: Path) -> None:
    """Each webhook and token is a table of its own; their secrets, and the URLs that may be some, are masked."""
    secret, token = tmp_path / "secret", tmp_path / "token"
    secret.write_text("whsec_hush")
    token.write_text("hush" * 5)
    config = tmp_path / "everpin.toml"
    config.write_text(
        f'[[webhooks]]\nname = "ops"\nurl = "https://hush.example.org/hush"\nsecret_file = "{secret}"\n'
        'kinds = ["gap"]\nprojects = ["acme-*"]\n'
        '[[webhooks]]\nurl = "https://chat.example.org/hush"\nformat = "slack"\nprevious_secret = "whsec_hush"\n'
        f'[admin]\ntoken = "hushhushhushhush"\n[[admin.tokens]]\nname = "ci"\ntoken_file = "{token}"\n'
        '[log]\nformat = "json"\n'
    )

    said = await shell.run("config", "--config", str(config))

    shown = tomllib.loads(said.out)
    assert list(shown) == list(Settings.model_fields)
    ops, chat = shown["webhooks"]
    assert (ops["name"], ops["kinds"], ops["projects"], ops["timeout"]) == ("ops", ["gap"], ["acme-*"], "15s")
    assert (ops["secret_file"], "secret" in ops) == (str(secret), False)
    assert {ops["url"], chat["url"], chat["previous_secret"], shown["admin"]["token"]} == {"*" * 10}
    assert shown["admin"]["tokens"] == [{"name": "ci", "token_file": str(token), "scopes": ["read"]}]
    assert shown["log"]["format"] == "json"
    assert "hush" not in said.out + said.err
