"""The verbs that compare the store with what is remembered of it: `import` and `verify`."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mirror import clock
from mirror.adoption import Adopter, Outcome, Taken
from mirror.besides import Besides
from mirror.errors import EverpinError, StartError, StoreError
from mirror.events import presentable
from mirror.names import ProjectName
from mirror.offers import Offered, OfferedObject, below
from mirror.setting_sections import Store as StoreSettings
from mirror.settings import Settings
from mirror.store.interface import Store
from mirror.targets import Order, ProjectTarget, Verb, checked_reason
from mirror.verification import Finding, Verifier
from mirror.verification import Outcome as Mended
from watcher.cli.act import actor
from watcher.cli.group import options, run
from watcher.compose import Parts, parts_of, shared_parts_of, store_of

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_SAMPLE = 1_000


@click.command("import")
@click.argument("source", metavar="DIR|s3://...")
@click.option("--vouch", is_flag=True, help="Take in, as kept, also what upstream was never seen to list.")
@click.option("--reason", default="", metavar="TEXT", help="Why you vouch for it; recorded and told.")
@options
@run
async def import_(settings: Settings, source: str, vouch: bool, reason: str) -> None:
    """Take in files from elsewhere: a directory, another mirror's tree, a cache, a bucket.

    What is known by its sha256 is taken in whatever it is called; this is how a lost file comes back. Anything else is
    only taken in with --vouch: then it is listed as yanked, and found by exact pins alone. With the address of this
    mirror's own bucket, what the bucket holds is found again after the database was lost.

    \b
    Example: everpin import ~/.cache/wheels
    """
    if bool(reason) is not vouch:
        raise StartError("--vouch and --reason belong together")
    order = Order(Verb.ADOPT, ProjectTarget(ProjectName("all")), actor(), checked_reason(reason)) if vouch else None
    counts: Counter[Outcome] = Counter()
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(parts_of(settings))
        adopter = Adopter(
            catalog=parts.catalog,
            store=parts.store,
            spool_dir=settings.spool_dir,
            rules=parts.rules,
            now=clock.now,
            observe_page=parts.refresher.refresh,
            private=parts.refresher.index.private,
            vouching=order,
        )

        def told(taken: Taken) -> None:
            counts[taken.outcome] += 1
            if taken.outcome is not Outcome.HERE:
                line = _line(presentable(taken.name), taken.outcome, taken.reason)
                click.echo(line, err=taken.outcome is Outcome.FAILED)

        def unreadable(error: StoreError) -> None:
            counts[Outcome.FAILED] += 1
            click.echo(presentable(str(error)), err=True)

        besides = Besides(parts.catalog, rules=parts.rules, now=clock.now)
        async for offered in await _offers(stack, parts, source, unreadable):
            if besides.take(offered):
                continue
            try:
                async for taken in adopter.take(offered):
                    told(taken)
            except EverpinError as e:
                told(Taken(offered.name, Outcome.FAILED, str(e)))
        async for taken in adopter.end():
            told(taken)
        await besides.end()
        # What was ordered of files that were not known until now.
        await parts.orders.finish()
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing was found there")
    if counts[Outcome.UNKNOWN]:
        click.echo("what is unknown here enters only with --vouch --reason TEXT")
    if counts[Outcome.FAILED] or counts[Outcome.REFUSED]:
        sys.exit(1)


@click.command()
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help=f"Look at N files, {_SAMPLE} where none is said."
)
@click.option("--full", is_flag=True, help="Look at all files.")
@click.option("--repair", is_flag=True, help="Fetch again what is missing or changed.")
@options
@run
async def verify(settings: Settings, sample: int | None, full: bool, repair: bool) -> None:
    """Compare the store with what it should hold, by size and SHA-256.

    Ends with status 1 when something is not as it should be and was not mended.

    \b
    Example: everpin verify --full --repair
    """
    if full and sample is not None:
        raise StartError("--full and --sample exclude each other")
    seen, found = 0, list[Finding]()
    async with shared_parts_of(settings) as parts:
        verifier = Verifier(
            catalog=parts.catalog,
            store=parts.store,
            rules=parts.rules,
            now=clock.now,
            supply=parts.supply if repair else None,
        )
        with _progress(await verifier.count(None if full else sample or _SAMPLE)) as progress:
            async for _, findings in verifier.all() if full else verifier.sample(sample or _SAMPLE):
                seen += 1
                progress.update(1)
                found += findings
                for finding in findings:
                    click.echo(_of(finding))
    click.echo(f"{_count(seen)} looked at, {f'{len(found)} not as it should be' if found else 'all well'}")
    if any(finding.outcome is not Mended.REPAIRED for finding in found):
        sys.exit(1)


async def _offers(
    stack: AsyncExitStack, parts: Parts, source: str, unreadable: Callable[[StoreError], None]
) -> AsyncIterator[Offered]:
    """What there is at the source."""
    if not source.startswith("s3://"):
        return _each(below(_directory(source), unreadable))
    own = source.rstrip("/") == parts.settings.store.url.rstrip("/")
    if own:
        return _objects(parts.store, is_stored=True)
    elsewhere = parts.settings.store.model_dump() | {"url": source}
    settings = parts.settings.model_copy(update={"store": StoreSettings(**elsewhere)})
    # Nothing is written there, and what is read is checked here.
    return _objects(await stack.enter_async_context(store_of(settings, checked=False)), is_stored=False)


def _directory(source: str) -> Path:
    directory = Path(source)
    if not directory.is_dir():
        raise StartError(f"{presentable(source)} is no directory")
    return directory


async def _each(offered: Iterable[Offered]) -> AsyncIterator[Offered]:
    for one in offered:
        yield one


async def _objects(store: Store, *, is_stored: bool) -> AsyncIterator[Offered]:
    # The names lead to the projects that they can belong to, known or not.
    async with aclosing(store.objects(with_blobs=True)) as objects:
        async for found in objects:
            # What another mirror has sealed it had blocked.
            if is_stored or not found.is_sealed:
                yield OfferedObject(store, found, is_stored)


def _progress(total: int) -> AbstractContextManager["ProgressBar[int]"]:
    """A bar on a terminal; nothing where the output goes elsewhere."""
    return click.progressbar(length=total, label="verifying", file=sys.stderr, hidden=not sys.stderr.isatty())


def _of(finding: Finding) -> str:
    what = f"{finding.damage}, {finding.outcome}" if finding.outcome is not Mended.LEFT else str(finding.damage)
    return _line(f"{finding.project}  {presentable(finding.filename)}  sha256:{finding.sha256}", what, finding.reason)


def _line(name: str, what: str, reason: str) -> str:
    return f"{name}: {what}" + (f" ({presentable(reason)})" if reason else "")


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
