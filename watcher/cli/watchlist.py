"""The verb `watchlist`: the projects of which every file is kept where `keep.scope` is "watched"."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from mirror import clock
from mirror.catalog import watchlist as listed
from mirror.catalog.watchlist import Watched
from mirror.errors import StartError
from mirror.events import presentable
from mirror.names import ProjectName, project_name
from mirror.setting_values import Scope
from mirror.settings import Settings
from watcher import scope
from watcher.cli.group import options, run
from watcher.cli.lock_files import lock_of
from watcher.compose import catalog_of
from watcher.rules import keeping_of


@click.group()
def watchlist() -> None:
    """Choose the projects to watch, beside those that `keep.watch` names.

    \b
    Example: everpin watchlist add requests flask
    """


@watchlist.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options
@run
async def add(settings: Settings, names: Sequence[str]) -> None:
    """Watch projects, known ones or not.

    \b
    Example: everpin watchlist add requests flask
    """
    await _add(settings, [_project(name) for name in names])


@watchlist.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options
@run
async def remove(settings: Settings, names: Sequence[str]) -> None:
    """Watch projects no more. What was kept of them stays.

    \b
    Example: everpin watchlist remove flask
    """
    wanted = [_project(name) for name in names]
    async with catalog_of(settings, create=False) as catalog, catalog.writing() as conn:
        removed = await listed.remove(conn, wanted)
    for name in sorted(set(wanted)):
        click.echo(f"{name}: removed" if name in removed else f"{name}: was not on the list")


@watchlist.command("list")
@options
@run
async def list_(settings: Settings) -> None:
    """Show what is watched, why, and how much of it is kept.

    \b
    Example: everpin watchlist list
    """
    keeping = keeping_of(settings)
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        found = await listed.look(conn, keeping.patterns)
    for one in found:
        click.echo(_line(one, by_setting=keeping.watches(one.name)))
    _hint(settings)


@watchlist.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options
@run
async def import_(settings: Settings, file: Path) -> None:
    """Watch all projects that FILE names.

    FILE has a name or a requirement on each line, as a requirements file has, or is a pylock.toml, uv.lock,
    poetry.lock, pdm.lock or Pipfile.lock. What it names by -r and -c is read too. Where a line cannot be read, nothing
    is changed.

    \b
    Example: everpin watchlist import requirements.txt
    """
    await _add(settings, lock_of(file).projects)


async def _add(settings: Settings, names: Iterable[ProjectName]) -> None:
    wanted = sorted(set(names))
    async with catalog_of(settings, create=False) as catalog, catalog.writing() as conn:
        added = await scope.watch(conn, wanted, keeping_of(settings), now=clock.now())
    for name in wanted:
        click.echo(f"{name}: added" if name in added else f"{name}: was on the list")
    _hint(settings)


def _line(watched: Watched, *, by_setting: bool) -> str:
    sources = [name for name, is_so in (("keep.watch", by_setting), ("list", watched.is_listed)) if is_so]
    known = "not known yet" if watched.files is None else f"{watched.kept} of {watched.files} files kept"
    return f"{watched.name:<40}  {' and '.join(sources):<20}  {known}"


def _hint(settings: Settings) -> None:
    if settings.keep.scope is Scope.REQUESTED:
        click.echo('keep.scope is "requested": set it to "watched" to have every file of these kept', err=True)


def _project(name: str) -> ProjectName:
    normalised = project_name(name)
    if normalised is None:
        raise StartError(f"{presentable(name)!r} is not a project's name")
    return normalised
