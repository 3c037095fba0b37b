"""The verb `webhooks`: how far each target is, whether it can be reached, and what was given up for it.

URLs and secrets are never shown: some URLs are secrets themselves.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from mirror import clock
from mirror.catalog import dead_letters, instance, webhooks
from mirror.catalog.database import Connection
from mirror.catalog.dead_letters import DeadLetter
from mirror.catalog.webhooks import Overview, Target
from mirror.errors import StartError
from mirror.events import Cursor, presentable
from mirror.settings import Settings
from watcher.cli.group import options, run
from watcher.compose import catalog_of
from watcher.feed.parts import source_of
from watcher.webhooks.chosen import Chosen, chosen
from watcher.webhooks.egress import Answer
from watcher.webhooks.trial import Outcome, tried


@click.group("webhooks")
def webhooks_() -> None:
    """Show and try where events are pushed to, and send what could not be delivered once more.

    \b
    Example: everpin webhooks list
    """


@webhooks_.command("list")
@options
@run
async def list_(settings: Settings) -> None:
    """Show each target: its name and format, how it does, how many events wait, how many were given up.

    \b
    Example: everpin webhooks list
    """
    named = {one.key: one for one in chosen(settings)}
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        found = await webhooks.overview(conn)
    for one in found:
        click.echo(_line(one, named.pop(one.target.key, None)))
    for waiting in named.values():
        click.echo(
            f"{waiting.name:<32}  {waiting.form:<11}  not begun: `everpin up` or `everpin watch` has not seen it"
        )


@webhooks_.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@options
@run
async def test(settings: Settings, names: Sequence[str]) -> None:
    """Send an event of the type dev.everpin.test to these targets of the settings, or to all, signed as always.

    Ends with status 1 when one of them did not take it.

    \b
    Example: everpin webhooks test ops-chat
    """
    targets = _meant(chosen(settings), names)
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        source = source_of(await instance.read(conn), settings)
    outcomes = await asyncio.gather(*(tried(target, source=source) for target in targets))
    for target, outcome in zip(targets, outcomes, strict=True):
        click.echo(f"{target.name:<32}  {_told(outcome)}")
    if not all(outcome.is_success for outcome in outcomes):
        sys.exit(1)


@webhooks_.command()
@click.argument("name")
@options
@run
async def dead(settings: Settings, name: str) -> None:
    """Show the events that were given up for a target, with the reason.

    \b
    Example: everpin webhooks dead ops-chat
    """
    async with catalog_of(settings, create=False) as catalog, catalog.reading() as conn:
        me = await instance.read(conn)
        letters = await dead_letters.of_target(conn, (await _target(conn, settings, name)).id)
    for letter in letters:
        click.echo(_letter(letter, me.epoch))


@webhooks_.command()
@click.argument("name")
@click.argument("cursors", nargs=-1, metavar="[CURSOR...]")
@options
@run
async def replay(settings: Settings, name: str, cursors: Sequence[str]) -> None:
    """Have events that were given up for a target sent once more: these, or all of them.

    The running watcher sends them.

    \b
    Example: everpin webhooks replay ops-chat 1-4711
    """
    async with catalog_of(settings, create=False) as catalog, catalog.writing() as conn:
        me = await instance.read(conn)
        target = await _target(conn, settings, name)
        numbers = [_number(cursor, me.epoch) for cursor in dict.fromkeys(cursors)]
        count = await dead_letters.replay(conn, target.id, numbers or None, now=clock.now())
        if count < len(numbers):
            # Raised within the transaction, so that none of the others is sent either.
            raise StartError(
                f"{len(numbers) - count} of these events were not given up for {_shown(name)}; "
                f"`everpin webhooks dead {_shown(name)}` shows those that were"
            )
    click.echo(f"{_shown(name)}: {count} {'event is' if count == 1 else 'events are'} sent once more by the watcher")
    if target.disabled_at is not None:
        click.echo(f"it is disabled: `everpin webhooks enable {_shown(name)}` comes first", err=True)


@webhooks_.command()
@click.argument("name")
@options
@run
async def enable(settings: Settings, name: str) -> None:
    """Have a target tried again at once that said it is gone, or whose next attempt is far off.

    It goes on where it was: what happened meanwhile is sent, too.

    \b
    Example: everpin webhooks enable ops-chat
    """
    async with catalog_of(settings, create=False) as catalog, catalog.writing() as conn:
        target = await _target(conn, settings, name)
        await webhooks.enable(conn, target.id, now=clock.now())
    was = "was disabled" if target.disabled_at is not None else "was not disabled"
    click.echo(f"{_shown(name)}: {was}, and is tried at once")


def _meant(targets: Sequence[Chosen], names: Sequence[str]) -> list[Chosen]:
    by_name = {target.name: target for target in targets}
    if unknown := [name for name in names if name not in by_name]:
        raise StartError(f"no webhook of the settings is called {_shown(unknown[0])}; {_known(by_name)}")
    if not targets:
        raise StartError("the settings name no webhooks; add a [[webhooks]] table with a url and a secret")
    return [by_name[name] for name in dict.fromkeys(names)] or list(targets)


async def _target(conn: Connection, settings: Settings, name: str) -> Target:
    """The target of that name: that of the settings, else the only one that is left of them or belongs to a lock."""
    targets = await webhooks.targets(conn)
    keys = {one.key for one in chosen(settings) if one.name == name}
    found = [one for one in targets if one.key in keys] or [one for one in targets if one.name == name]
    if not found:
        raise StartError(f"no webhook is called {_shown(name)}; {_known(one.name for one in targets)}")
    if len(found) > 1:
        raise StartError(f"{len(found)} webhooks are called {_shown(name)}, and none of them is in the settings")
    return found[0]


def _number(text: str, epoch: int) -> int:
    cursor = Cursor.parse(text)
    if cursor is None or cursor.epoch != epoch:
        raise StartError(f"{presentable(text)!r} is not a cursor of this instance")
    return cursor.number


def _line(one: Overview, target: Chosen | None) -> str:
    is_known = target is not None or one.target.lock_feed is not None
    # What belongs to a lock always gets CloudEvents.
    form = target.form if target is not None else "cloudevents" if is_known else "-"
    state = _state(one.target) if is_known else f"not in the settings since {_moment(one.target.seen_at)}"
    waiting = f"{one.behind} {'event waits' if one.behind == 1 else 'events wait'}"
    given_up = f", {one.dead} given up" if one.dead else ""
    return f"{_shown(one.target.name):<32}  {form:<11}  {state}; {waiting}{given_up}"


def _state(target: Target) -> str:
    if target.disabled_at is not None:
        return f"disabled since {_moment(target.disabled_at)}: {presentable(target.disabled_reason)}"
    if target.failing_since is not None:
        return f"failing since {_moment(target.failing_since)}: {presentable(target.last_error)}"
    return "ok"


def _told(outcome: Outcome) -> str:
    answer = outcome.answer
    said = f"answered {answer.status}" if isinstance(answer, Answer) else f"failed: {answer}"
    return f"{said} ({outcome.seconds:.2f} s)"


def _letter(letter: DeadLetter, epoch: int) -> str:
    about = " ".join(filter(None, (letter.kind, letter.project, presentable(letter.version))))
    times = "once" if letter.attempts == 1 else f"{letter.attempts} times"
    again = "; is being sent once more" if letter.replay_at is not None else ""
    return (
        f"{Cursor(epoch, letter.number)}  {_moment(letter.at)}  {about or 'an event that is held no longer'}  "
        f"tried {times}: {presentable(letter.error)}{again}"
    )


def _known(names: Iterable[str]) -> str:
    known = ", ".join(map(_shown, sorted(names)))
    return f"there is {known}" if known else "there are none yet"


def _shown(name: str) -> str:
    return presentable(name)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
