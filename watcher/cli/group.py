"""The command group, the options that every verb takes, and how failures are told: one line and exit status 2."""

import functools
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from mirror import logs
from mirror.errors import EverpinError
from mirror.settings import Settings, load
from watcher import loop

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="everpin")
def everpin() -> None:
    """A mirror of PyPI that goes on serving what was deleted there, and a feed that tells of every deletion.

    \b
    Example: everpin up
    Then:    pip install --index-url http://127.0.0.1:8080/simple/ aiohttp
    """


def options(verb: _Verb) -> _Verb:
    """Adds the options that all verbs take."""
    for option in (
        click.option("--debug", is_flag=True, help="Show tracebacks of failures."),
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where everything is kept. Also data_dir in the file, EVERPIN_DATA_DIR.",
        ),
        click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file with settings."),
    ):
        verb = option(verb)
    return verb


def run(verb: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a command's body of a coroutine that takes the settings first."""

    @functools.wraps(verb)
    def command(config: Path | None, data_dir: Path | None, debug: bool, **rest: Any) -> None:
        try:
            settings = load(config, data_dir=data_dir)
            logs.configure(settings.log)
            loop.run(verb(settings, **rest))
        except EverpinError as e:
            if debug:
                raise
            fail(str(e))

    return command


def fail(sentence: str) -> None:
    """Says what is wrong in one line and ends with status 2."""
    click.echo(f"everpin: {' '.join(sentence.split())}", err=True)
    sys.exit(2)


def main() -> None:
    """The entry point of the console script."""
    try:
        everpin.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as e:
        command = e.ctx.command_path if e.ctx else "everpin"
        fail(f"{e.format_message()} (see `{command} --help`)")
    except click.ClickException as e:
        fail(e.format_message())
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


__all__ = ["Settings", "everpin", "fail", "main", "options", "run"]
