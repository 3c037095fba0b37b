"""The verb `check`: whether what lock files demand still stands."""

import io
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from mirror import clock
from mirror.errors import StartError
from mirror.setting_sections import default_index_url
from mirror.settings import Settings
from mirror.upstream.private import PrivateNames
from watcher.checking import Finding, PinState, check_pins, is_finding
from watcher.checking.choosing import PRIVATE, own_pins
from watcher.checking.remote import ask_mirror
from watcher.checking.report import report_of
from watcher.checking.sarif import document_of
from watcher.checking.text import lines_of
from watcher.checking.workflow import commands_of
from watcher.cli.group import options, run
from watcher.cli.lock_files import content_of, lock_of
from watcher.compose import catalog_of
from watcher.locks import LeftOut, Pin
from watcher.locks.reading import LARGEST, Lock, read_lock
from watcher.rules import rules_of

_STDIN = "-"
_COLOURS = {
    PinState.LIVE: "green",
    PinState.YANKED: "yellow",
    PinState.KEPT: "yellow",
    PinState.UNKNOWN: "magenta",
}


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--mirror", metavar="URL", help="Ask the everpin there, instead of this one's own catalog.")
@click.option(
    "--index",
    "indexes",
    multiple=True,
    metavar="URL",
    help="Another address of the same index, such as a company's proxy that the files name; may be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="Lines for people, a JSON object, SARIF 2.1.0, or commands for GitHub's log.",
)
@click.option("--strict", is_flag=True, help="Fail for what is yanked, too.")
@click.option("-v", "--verbose", is_flag=True, help="Show also what is live, and what was left out.")
@options
@run
async def check(
    settings: Settings,
    files: Sequence[str],
    mirror: str | None,
    indexes: Sequence[str],
    form: str,
    strict: bool,
    verbose: bool,
) -> None:
    """Say whether what lock files demand is still there: deleted, yanked, held, blocked, replaced or unknown.

    FILE is a requirements file, pylock.toml, uv.lock, poetry.lock, pdm.lock or Pipfile.lock; - reads standard input.
    The files are read here; a mirror that is asked gets names, versions and digests alone. Ends with status 1 where
    anything is found, which all is but what is live or yanked.

    \b
    Example: everpin check uv.lock --mirror https://mirror.example.org
    """
    locks = [_lock(file) for file in files]
    pins = [pin for lock in locks for pin in lock.pins]
    left_out = [one for lock in locks for one in lock.left_out]
    origins = [*_origins(settings), *indexes]
    if mirror is not None:
        findings, rest = await _of_mirror(origins, mirror, pins)
    else:
        findings, rest = await _of_catalog(settings, origins, pins)
    left_out += rest
    if left_out and not findings:
        click.echo("nothing was checked: what the files demand is left out (see --verbose)", err=True)
    say(_shown(findings, left_out, form=form, strict=strict, everything=verbose))
    if any(is_finding(finding.state, strict=strict) for finding in findings):
        sys.exit(1)


def _lock(file: str) -> Lock:
    if file == _STDIN:
        content = sys.stdin.buffer.read(LARGEST + 1)
        return read_lock("stdin", content, beside=lambda path: content_of(Path(path)))
    path = Path(file)
    try:
        here = path.relative_to(Path.cwd()) if path.is_absolute() else path
    except ValueError:
        here = path
    return lock_of(path, shown=here.as_posix())


async def _of_catalog(
    settings: Settings, origins: Sequence[str], pins: Sequence[Pin]
) -> tuple[tuple[Finding, ...], tuple[LeftOut, ...]]:
    own, left_out = _own(pins, origins, PrivateNames(settings.upstream.private_names))
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        return await check_pins(conn, own, rules=rules_of(settings), now=clock.now()), left_out


async def _of_mirror(
    origins: Sequence[str], mirror: str, pins: Sequence[Pin]
) -> tuple[tuple[Finding, ...], tuple[LeftOut, ...]]:
    # Which names are private is the mirror's to say.
    own, left_out = _own(pins, [*origins, mirror], PrivateNames())
    findings, rest = await ask_mirror(mirror, own)
    return findings, left_out + rest


def _own(
    pins: Sequence[Pin], origins: Sequence[str], private: PrivateNames
) -> tuple[tuple[Pin, ...], tuple[LeftOut, ...]]:
    """The pins that can be checked. Raises StartError where all are of other indexes: that is no success."""
    own, left_out = own_pins(pins, origins=origins, private=private)
    if not own and (elsewhere := [one for one in left_out if one.why != PRIVATE]):
        raise StartError(
            f"nothing can be checked: {elsewhere[0].name} {elsewhere[0].why}, and so do all others; where that index"
            " offers what PyPI does, name it with --index"
        )
    return own, left_out


def _origins(settings: Settings) -> list[str]:
    """Under which addresses lock files know what is mirrored here."""
    own = f"http://{settings.mirror.host}:{settings.mirror.port}/"
    return [settings.upstream.index_url, default_index_url(), settings.mirror.base_url or own, own]


def _shown(
    findings: Sequence[Finding], left_out: Sequence[LeftOut], *, form: str, strict: bool, everything: bool
) -> Iterable[str | bytes]:
    """The lines. What is JSON is bytes: it is UTF-8 wherever it goes."""
    match form:
        case "json":
            return [report_of(findings, left_out, strict=strict)]
        case "sarif":
            return [document_of(findings, version=version("everpin"), strict=strict)]
        case "github":
            return commands_of(findings, left_out, strict=strict)
        case "text":
            return lines_of(findings, left_out, paint=_painted, everything=everything)
        case _:
            raise StartError(f"there is no format {form}")


def say(lines: Iterable[str | bytes]) -> None:
    """Prints them. Raises StartError where that fails: status 1 is for what is found, and not for a full disk."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names and reasons are those of others; not every terminal has letters for them.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for line in lines:
            click.echo(line)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise StartError(f"what was found cannot be written: {e.strerror}") from e


def _painted(state: PinState, text: str) -> str:
    """The text in the colour of the state; what is no terminal gets it without."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=_COLOURS.get(state, "red"))
