"""The verb that shows why files are served or not: explain."""

import click

from mirror import clock
from mirror.catalog import acts, circumstances, files, instance, journal, projects, rows, tombstones
from mirror.catalog import events as told
from mirror.catalog.database import Connection
from mirror.errors import StartError
from mirror.events import presentable
from mirror.model import Memory
from mirror.names import ProjectName, project_name
from mirror.settings import Settings
from mirror.states import judged
from watcher.cli.group import options, run
from watcher.compose import catalog_of
from watcher.explanation import OrdersGiven, explanation
from watcher.feed import prose
from watcher.rules import rules_of


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
        newest = await told.newest(conn, project, limit=20, epoch=me.epoch)
        around = await circumstances.read(conn)
    if memory is not None:
        # What the clock has ended since it was written is told as it is now: not everybody has a watcher.
        memory = judged(memory, rules=rules_of(settings), now=clock.now(), around=around)
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


async def _orders(conn: Connection, project: ProjectName, memory: Memory | None) -> OrdersGiven:
    """What operators did about the project and its files."""
    known = memory.files if memory else ()
    standing = await acts.standing(conn, project, [])
    purges = await tombstones.acts_of(conn, [file.sha256 for file in known if file.sha256 is not None])
    blocks = tuple(sorted(block.act for block in standing.blocks))
    numbers = {number for file in known for number in (file.blocked_by, file.released_by) if number is not None}
    return OrdersGiven(await acts.by_number(conn, numbers | {*blocks, *purges.values()}), blocks, purges)


def _project(name: str) -> ProjectName:
    normalised = project_name(name)
    if normalised is None:
        raise StartError(f"{presentable(name)!r} is not a project's name")
    return normalised
