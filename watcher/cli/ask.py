"""The verbs that show what was told, why, and by which settings: events, explain, config."""

import asyncio
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from mirror.catalog import acts, files, instance, journal, projects, rows, tombstones
from mirror.catalog import events as told
from mirror.catalog.database import Connection
from mirror.catalog.instance import Instance
from mirror.errors import StartError
from mirror.event_kinds import EventKind
from mirror.events import Cursor, Event, presentable
from mirror.model import Memory
from mirror.names import ProjectName, project_name
from mirror.settings import Settings
from watcher.cli.group import options, run
from watcher.compose import catalog_of
from watcher.explanation import OrdersGiven, explanation
from watcher.feed import cloudevents, prose
from watcher.feed.routes import source_of

_AT_A_TIME = 500
_FOLLOW_SECONDS = 2.0


@click.command()
@click.option("--since", metavar="CURSOR", help="Only what came after this cursor; default: from the oldest on.")
@click.option("--project", "names", multiple=True, help="Only this project; may be repeated.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="Only this kind; repeatable.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one CloudEvent a line.",
)
@click.option("--follow", is_flag=True, help="Go on with what is told from now on.")
@options
@run
async def events(
    settings: Settings, since: str | None, names: Sequence[str], kinds: Sequence[str], form: str, follow: bool
) -> None:
    """Show what was told: deletions, yanks, quarantines and returns, oldest first.

    \b
    Example: everpin events --kind release.deleted --format json
    """
    wanted = [_project(name) for name in names]
    async with catalog_of(settings, create=False) as catalog:
        async with catalog.reading() as conn:
            me = await instance.read(conn)
            number = _start(since, me, await told.last_number(conn))
        while True:
            async with catalog.reading() as conn:
                found = await told.after(
                    conn, number, limit=_AT_A_TIME, epoch=me.epoch, projects=wanted, kinds=[EventKind(k) for k in kinds]
                )
            for event in found:
                click.echo(_line(event, form, source_of(me, settings)))
                number = event.cursor.number
            if len(found) == _AT_A_TIME:
                continue
            if not follow:
                return
            await asyncio.sleep(_FOLLOW_SECONDS)


@click.command()
@click.argument("target", metavar="PROJECT[==VERSION]")
@click.argument("filename", required=False)
@options
@run
async def explain(settings: Settings, target: str, filename: str | None) -> None:
    """Say why files are served or not: states, rows of the journal, times and rules.

    \b
    Example: everpin explain codecov==2.1.12
    """
    name, _, version = target.partition("==")
    project = _project(name)
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        facts = await projects.find(conn, project)
        memory = Memory(facts, await files.of_project(conn, facts)) if facts else None
        of_project = await rows.of_project(conn, project)
        position = await journal.position(conn)
        orders = await _orders(conn, project, memory)
        me = await instance.read(conn)
        newest = await told.newest(conn, limit=20, epoch=me.epoch, projects=[project], kinds=list(EventKind))
    lines = explanation(
        project,
        memory,
        of_project,
        [f"{event.cursor}  {prose.title(event)}" for event in reversed(newest)],
        position=position,
        rules=settings.safety,
        version=version or None,
        filename=filename,
        orders=orders,
    )
    for line in lines:
        click.echo(line)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON instead of TOML.")
@options
@run
async def config(settings: Settings, as_json: bool) -> None:
    """Show the settings in effect, secrets masked.

    \b
    Example: everpin config --config /etc/everpin.toml
    """
    shown = _shown(settings)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    click.echo(f"data_dir = {_as_toml(shown.pop('data_dir'))}")
    for section, values in shown.items():
        click.echo(f"\n[{section}]")
        for key, value in values.items():
            click.echo(f"{key} = {_as_toml(value)}")


async def _orders(conn: Connection, project: ProjectName, memory: Memory | None) -> OrdersGiven:
    """What operators did about the project and its files."""
    known = memory.files if memory else ()
    standing = await acts.standing(conn, project, [])
    purges = await tombstones.acts_of(conn, [file.sha256 for file in known if file.sha256 is not None])
    blocks = tuple(sorted(block.act for block in standing.blocks))
    numbers = {number for file in known for number in (file.blocked_by, file.released_by) if number is not None}
    return OrdersGiven(await acts.by_number(conn, numbers | {*blocks, *purges.values()}), blocks, purges)


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings as a file would hold them, so that the output can be one."""
    shown = settings.model_dump(mode="json")
    # What a file holds is never shown, and only one of the two may be set.
    if settings.database.url_file:
        del shown["database"]["url"]
    if settings.upstream.password_file:
        del shown["upstream"]["password"]
    for values in shown.values():
        # TOML has no null: what is not set is left out.
        for key in [key for key, value in values.items() if value is None] if isinstance(values, dict) else ():
            del values[key]
    return shown


def _as_toml(value: object) -> str:
    # Strings, numbers, booleans and lists of strings are written alike in JSON and TOML, but for one character.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _project(name: str) -> ProjectName:
    normalised = project_name(name)
    if normalised is None:
        raise StartError(f"{presentable(name)!r} is not a project's name")
    return normalised


def _start(since: str | None, me: Instance, last: int) -> int:
    if since is None:
        return 0
    cursor = Cursor.parse(since)
    if cursor is None or cursor.epoch != me.epoch or cursor.number > last:
        raise StartError(f"{presentable(since)!r} is not a cursor of this instance; leave --since out to read all")
    return cursor.number


def _line(event: Event, form: str, source: str) -> str:
    if form == "json":
        return cloudevents.envelope(event, source=source).decode()
    return f"{event.cursor}  {event.time:%Y-%m-%d %H:%M:%S}  {event.kind:<28}  {prose.title(event)}"
