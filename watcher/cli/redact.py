"""The verb that takes away what an event said: redact."""

import click

from mirror.settings import Settings
from mirror.targets import Verb, order_of
from watcher.cli.act import actor
from watcher.cli.group import options, run
from watcher.compose import orders_of


@click.command()
@click.argument("event", metavar="EVENT")
@click.option("--reason", required=True, metavar="TEXT", help="Why; recorded and told with the act.")
@options
@run
async def redact(settings: Settings, event: str, reason: str) -> None:
    """Take away what an event says, from every feed and for good.

    EVENT is an event's id or cursor. Its place in the sequence is left, and the digest of what it said, without which
    nobody could check the chain. Who has read it before still knows it; feeds tell their readers to forget it.

    \b
    Example: everpin redact 17640001-release.yanked --reason "names a person"
    """
    async with orders_of(settings) as orders:
        target = await orders.event_of(event)
        done = await orders.carry_out(order_of(Verb.REDACT, str(target), actor=actor(), reason=reason))
    click.echo(f"act {done.act}: redacted {target.id}")
