"""The verb that shows by which deletion policies deletions are judged."""

import click
import msgspec

from mirror.policy import POLICIES
from mirror.settings import Settings
from watcher.cli.group import options, run


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A line for each policy, or one JSON object.",
)
@options
@run
async def policies(_: Settings, form: str) -> None:
    """Show the deletion policies that each deletion's verdicts are about: when a user could delete, and who says so.

    \b
    Example: everpin policies --format json
    """
    if form == "json":
        shown = [{"id": p.id, "title": p.title, "rule": p.rule, "source": p.source} for p in POLICIES]
        click.echo(msgspec.json.format(msgspec.json.encode({"policies": shown})).decode())
        return
    width = max(len(policy.id) for policy in POLICIES)
    click.echo(f"{'POLICY':<{width}}  A USER MAY DELETE IF (SOURCE)")
    for policy in POLICIES:
        click.echo(f"{policy.id:<{width}}  {policy.rule} ({policy.source})")
