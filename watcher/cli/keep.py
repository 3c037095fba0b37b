"""The verb `keep`: files kept now, in this process."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from mirror.catalog.files import FoundFile
from mirror.errors import NotThereError, StartError, UpstreamUnavailableError
from mirror.events import presentable
from mirror.names import project_name
from mirror.settings import Settings
from watcher.cli.group import options, run
from watcher.compose import Parts, parts_of
from watcher.keeping_now import Done, Named, Outcome, files_of, keep_all


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="PROJECT[==VERSION]...")
@options
@run
async def keep(settings: Settings, targets: Sequence[str]) -> None:
    """Keep every file of projects or versions now, whoever may ask for them later.

    Files that this mirror would not trust are left out. Nothing is watched for that; see `everpin watchlist`. Ends with
    status 1 where something could not be kept.

    \b
    Example: everpin keep requests codecov==2.1.12
    """
    wanted = [_named(target) for target in targets]
    async with parts_of(settings) as parts:
        found, failures = await _found(parts, wanted)
        done: list[Done] = []
        with _progress(len(found)) as step:

            def told(one: Done) -> None:
                done.append(one)
                step(one)

            await keep_all(parts.supply, found, at_a_time=settings.keep.workers, told=told)
    counts = Counter(one.outcome for one in done) + Counter({Outcome.FAILED: failures})
    click.echo(", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome))
    if counts[Outcome.FAILED]:
        sys.exit(1)


async def _found(parts: Parts, wanted: Sequence[Named]) -> tuple[list[FoundFile], int]:
    """The files that are meant, each once, and for how many of the names there were none."""
    found: dict[int | None, FoundFile] = {}
    failures = 0
    for named in wanted:
        try:
            found |= {file.facts.id: file for file in await files_of(parts.catalog, parts.refresher, named)}
        except (NotThereError, UpstreamUnavailableError) as e:
            click.echo(f"failed: {e}", err=True)
            failures += 1
    return list(found.values()), failures


@contextmanager
def _progress(length: int) -> Iterator[Callable[[Done], None]]:
    """A bar on a terminal, and elsewhere a line for each file; failures are lines in any case."""
    if not sys.stdout.isatty():
        yield lambda done: click.echo(_line(done))
        return
    failures: list[Done] = []
    with click.progressbar(length=length, label="keeping", show_pos=True) as bar:

        def step(done: Done) -> None:
            bar.update(1)
            if done.outcome in (Outcome.FAILED, Outcome.WITHHELD):
                failures.append(done)

        yield step
    for failure in failures:
        click.echo(_line(failure))


def _line(done: Done) -> str:
    reason = f": {presentable(done.reason)}" if done.reason else ""
    return f"{done.outcome}  {presentable(done.filename)}{reason}"


def _named(target: str) -> Named:
    name, _, version = target.partition("==")
    project = project_name(name.strip())
    if project is None or ("==" in target and not version.strip()):
        raise StartError(f"{presentable(target)!r} is not PROJECT or PROJECT==VERSION")
    return Named(project, version.strip() or None)
