"""The verb that shows what was told: events."""

import asyncio
from collections.abc import Iterable

import click
from multidict import MultiDict

from mirror.catalog import events as told
from mirror.catalog import instance
from mirror.errors import StartError
from mirror.event_kinds import EventKind
from mirror.events import Event, presentable
from mirror.settings import Settings
from mirror.web.problems import Problem
from watcher.cli.group import options, run
from watcher.compose import catalog_of
from watcher.feed import cloudevents, prose
from watcher.feed.asking import Resync, filter_of, start_after
from watcher.feed.filters import EventFilter
from watcher.feed.parts import source_of
from watcher.feed.reading import page_after

_AT_A_TIME = 500
_FOLLOW_SECONDS = 2.0


@click.command()
@click.option("--since", metavar="CURSOR", help="Only what came after this cursor; default: from the oldest held on.")
@click.option(
    "--project", "projects", metavar="NAME", multiple=True, help='Only this project, or such as "acme-*"; repeatable.'
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="Only this kind; repeatable.",
)
@click.option("--stable-only", is_flag=True, help="Nothing that is about a pre-release.")
@click.option("--min-age", metavar="SPAN", help='Only with a file that was at least so old then, such as "72h".')
@click.option(
    "--verdict",
    "verdicts",
    metavar="POLICY:VERDICT",
    multiple=True,
    help="Only of what that policy says so, such as pep763:refuse; see `everpin policies`; repeatable.",
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
async def events(settings: Settings, since: str | None, form: str, follow: bool, **wishes: object) -> None:
    """Show what was told: deletions, yanks, quarantines and returns, oldest first.

    \b
    Example: everpin events --kind release.deleted --format json
    """
    wanted = _wanted(**wishes)  # type: ignore[arg-type]  # by the names of the options above
    async with catalog_of(settings, create=False) as catalog:
        async with catalog.reading() as conn:
            me, held = await instance.read(conn), await told.held(conn)
            try:
                number = start_after(since, held=held)
            except Resync as e:
                raise StartError(
                    f"{presentable(since)!r} is not a cursor of this instance, or what came after is not held any more;"
                    f" leave --since out to read all from {e.oldest} on"
                ) from e
        while True:
            async with catalog.reading() as conn:
                try:
                    page = await page_after(conn, number, epoch=me.epoch, wanted=wanted, limit=_AT_A_TIME)
                except Resync as e:
                    raise StartError(f"what came next is not held any more; go on with --since {e.oldest}") from e
            for event in page.events:
                click.echo(_line(event, form, source_of(me, settings)))
            number = page.end
            if page.more:
                continue
            if not follow:
                return
            await asyncio.sleep(_FOLLOW_SECONDS)


def _wanted(
    *,
    projects: Iterable[str],
    kinds: Iterable[str],
    stable_only: bool,
    min_age: str | None,
    verdicts: Iterable[str],
) -> EventFilter:
    query = MultiDict([("project", project) for project in projects])
    query.extend([("kind", kind) for kind in kinds])
    query.extend([("verdict", verdict) for verdict in verdicts])
    query["stable_only"] = "true" if stable_only else "false"
    if min_age is not None:
        query["min_age"] = min_age
    try:
        return filter_of(query)
    except Problem as e:
        raise StartError(e.detail or e.title) from e


def _line(event: Event, form: str, source: str) -> str:
    if form == "json":
        return cloudevents.envelope(event, source=source).decode()
    redacted = "  (redacted)" if event.payload is None else ""
    return f"{event.cursor}  {event.time:%Y-%m-%d %H:%M:%S}  {event.kind:<28}  {prose.title(event)}{redacted}"
