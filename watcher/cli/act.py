"""The verbs with which operators intervene: block, unblock, release, purge, unpurge."""

import os
import pwd
from collections.abc import Iterable, Sequence

import click

from mirror.catalog.files import FoundFile
from mirror.events import presentable
from mirror.model import FileFacts
from mirror.observe import Ordered
from mirror.orders import CarriedOut
from mirror.settings import Settings
from mirror.targets import BrakeTarget, Order, Verb, order_of
from watcher.cli.group import options, run
from watcher.compose import orders_of
from watcher.ordering import bytes_stored, remarks, would_destroy

_MOST_FILES = 50

_target = click.argument("target", metavar="TARGET")
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; recorded and told with the act.")


@click.command()
@_target
@_reason
@options
@run
async def block(settings: Settings, target: str, reason: str) -> None:
    """Refuse to serve files from now on, also those that are seen later.

    TARGET is PROJECT, PROJECT==VERSION or sha256:<digest>.

    \b
    Example: everpin block demo==1.0 --reason "steals tokens"
    """
    await _carry_out(settings, order_of(Verb.BLOCK, target, actor=actor(), reason=reason))


@click.command()
@_target
@_reason
@options
@run
async def unblock(settings: Settings, target: str, reason: str) -> None:
    """Take back the blocks on TARGET and on parts of it.

    Files that another block covers too, such as one on their whole project, stay blocked.

    \b
    Example: everpin unblock demo --reason "was a false alarm"
    """
    await _carry_out(settings, order_of(Verb.UNBLOCK, target, actor=actor(), reason=reason))


@click.command()
@_target
@_reason
@click.option("--as-was", is_flag=True, help="List what left upstream as it was before, not as yanked.")
@options
@run
async def release(settings: Settings, target: str, reason: str, as_was: bool) -> None:
    """Serve files that are held; or release the brake.

    TARGET is PROJECT, PROJECT==VERSION, sha256:<digest> or brake. Only a digest releases what is quarantined upstream,
    called malware by an advisory, or has taken the name of another file.

    \b
    Example: everpin release demo==1.0 --reason "we have read it"
    """
    await _carry_out(settings, order_of(Verb.RELEASE, target, actor=actor(), reason=reason, as_was=as_was))


@click.command()
@_target
@_reason
@click.option("--yes", is_flag=True, help="Do it. Without this only what would be destroyed is shown.")
@options
@run
async def purge(settings: Settings, target: str, reason: str, yes: bool) -> None:
    """Destroy the bytes of files, wherever the same bytes are, and never store them again.

    \b
    Example: everpin purge demo==1.0 --reason "court order" --yes
    """
    order = order_of(Verb.PURGE, target, actor=actor(), reason=reason)
    if yes:
        await _carry_out(settings, order)
        return
    async with orders_of(settings) as orders:
        found = await would_destroy(orders, order)
    _tell_plan(found)


@click.command()
@_target
@_reason
@options
@run
async def unpurge(settings: Settings, target: str, reason: str) -> None:
    """Let bytes that were purged be fetched and stored again, where upstream still has them.

    \b
    Example: everpin unpurge demo==1.0 --reason "court order lifted"
    """
    await _carry_out(settings, order_of(Verb.UNPURGE, target, actor=actor(), reason=reason))


VERBS = (block, unblock, release, purge, unpurge)


async def _carry_out(settings: Settings, order: Order) -> None:
    async with orders_of(settings) as orders:
        done = await orders.carry_out(order)
    for line in _told(order, done):
        click.echo(line)


def actor() -> str:
    """Who gives the order: the operating system's name of the user."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _told(order: Order, done: CarriedOut) -> Iterable[str]:
    """What was done, to which files."""
    files = done.files
    yield f"act {done.act}: {order.verb} {order.target}" + (
        "" if isinstance(order.target, BrakeTarget) else f", {_count(files)}"
    )
    yield from _listed([_line(file) for file in files])
    yield from remarks(order, done)


def _tell_plan(found: Sequence[FoundFile]) -> None:
    click.echo(f"would destroy {_count(found)}, {bytes_stored(found)} bytes in the store; nothing was changed")
    for line in _listed([f"{_named(file.project, file.facts)}, {_size(file.facts)}" for file in found]):
        click.echo(line)
    click.echo("add --yes to do it; what upstream no longer has cannot be had again")


def _count(files: Sequence[object]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _listed(lines: Sequence[str]) -> Iterable[str]:
    yield from (f"  {line}" for line in lines[:_MOST_FILES])
    if len(lines) > _MOST_FILES:
        yield f"  and {len(lines) - _MOST_FILES} more"


def _line(file: Ordered) -> str:
    before, after = _state(file.before), _state(file.after)
    return f"{_named(file.project, file.after)}: " + (after if before == after else f"{before} -> {after}")


def _named(project: str, file: FileFacts) -> str:
    return f"{project}  {presentable(file.filename)}  sha256:{file.sha256 or 'unknown'}"


def _size(file: FileFacts) -> str:
    size = "size unknown" if file.listed_file.size is None else f"{file.listed_file.size} bytes"
    return size if file.stored_at is not None else f"{size}, not in the store"


def _state(file: FileFacts) -> str:
    note = str(file.cause) if file.cause else "as it was" if file.as_was else None
    return f"{file.state} ({note})" if note else str(file.state)
