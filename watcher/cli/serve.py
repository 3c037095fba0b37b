"""The verbs that go on until they are stopped, and `migrate`."""

import asyncio
from contextlib import AsyncExitStack

import click
import structlog

from mirror.catalog import notices
from mirror.settings import Settings
from watcher.cli.group import options, run
from watcher.compose import catalog_of, confirming_of, duties_of, parts_of, watcher_application
from watcher.front import front_of
from watcher.serving import asked_to_stop, listening_socket, serving
from watcher.webhooks.chosen import chosen

log = structlog.get_logger()


@click.command()
@options
@run
async def up(settings: Settings) -> None:
    """Run everything: mirror, watcher, feed, and a database of its own.

    \b
    Example: everpin up --data-dir ./everpin-data
    """
    chosen(settings)  # refused, if it must be, before a port is taken and a database started
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(front_of(settings))
        parts = await stack.enter_async_context(parts_of(settings, migrating=True, figures=front.figures))
        duties = await stack.enter_async_context(duties_of(parts))
        await duties.first_look()
        asked = asked_to_stop()
        await stack.enter_async_context(front.answering(parts, duties=duties))
        await stack.enter_async_context(duties.performed())
        await stack.enter_async_context(confirming_of(parts))
        _announce(settings)
        await _until(asked)


@click.command()
@options
@run
async def mirror(settings: Settings) -> None:
    """Serve the index, the files and the feed; the journal is watched by `everpin watch`.

    \b
    Example: everpin mirror --config /etc/everpin.toml
    """
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(front_of(settings))
        parts = await stack.enter_async_context(parts_of(settings, figures=front.figures))
        asked = asked_to_stop()
        await stack.enter_async_context(front.answering(parts))
        await stack.enter_async_context(confirming_of(parts))
        _announce(settings)
        await _until(asked)


@click.command()
@options
@run
async def watch(settings: Settings) -> None:
    """Watch the journal, keep what is wanted, and answer /healthz, /readyz and /metrics.

    \b
    Example: everpin watch --config /etc/everpin.toml
    """
    chosen(settings)  # refused, if it must be, before a port is taken and a database started
    async with AsyncExitStack() as stack:
        bound = listening_socket(settings.watcher.host, settings.watcher.port, section="watcher")
        stack.callback(bound.close)
        parts = await stack.enter_async_context(parts_of(settings))
        duties = await stack.enter_async_context(duties_of(parts))
        app = watcher_application(parts)
        asked = asked_to_stop()
        await stack.enter_async_context(serving(app, bound, access_log=settings.log.access))
        await stack.enter_async_context(duties.performed())
        await stack.enter_async_context(confirming_of(parts))
        await stack.enter_async_context(notices.listening(parts.catalog.url, duties.heard))
        log.info("watch.ready", url=f"http://{settings.watcher.host}:{settings.watcher.port}/")
        await _until(asked)


@click.command("migrate")
@options
@run
async def migrate_database(settings: Settings) -> None:
    """Bring the database up to date.

    \b
    Example: everpin migrate --config /etc/everpin.toml
    """
    async with catalog_of(settings, create=True):
        click.echo("the database is up to date")


async def _until(asked: asyncio.Event) -> None:
    await asked.wait()
    log.info("everpin.stopping")


def _announce(settings: Settings) -> None:
    host, port = settings.mirror.host, settings.mirror.port
    log.info("mirror.ready", index=f"http://{host}:{port}/simple/", feed=f"http://{host}:{port}/feed/deletions.atom")
