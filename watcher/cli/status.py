"""The verb `status`: what this instance mirrors, keeps and waits for, as far as the catalog knows."""

from datetime import datetime

import click

from mirror import clock
from mirror.catalog import absences, advisories, backlog, instance, journal, news, projects, room, wanted, watchlist
from mirror.catalog import events as told
from mirror.catalog.absences import Picture
from mirror.catalog.backlog import Priority
from mirror.catalog.database import Catalog
from mirror.catalog.news import News, Source
from mirror.catalog.room import FilesInState, Room
from mirror.events import Cursor
from mirror.settings import Settings
from watcher.cli.group import options, run
from watcher.compose import catalog_of

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@click.command()
@options
@run
async def status(settings: Settings) -> None:
    """Show what this instance mirrors, how far it has read the journal, what it keeps, and what waits.

    \b
    Example: everpin status
    """
    async with catalog_of(settings, create=False) as catalog:
        for label, value in [*await _read(catalog, settings), *await _kept(catalog, settings)]:
            click.echo(f"{label + ':':<18}{value}")


async def _read(catalog: Catalog, settings: Settings) -> list[tuple[str, str]]:
    """What is read from upstream, and what was told of it."""
    async with catalog.reading() as conn:
        me = await instance.read(conn)
        position = await journal.position(conn)
        source = await news.read(conn)
        known = await projects.count(conn)
        unasked = await wanted.count(conn)
        advised_at, advised = await advisories.checked_at(conn), await advisories.count(conn)
        held_since = clock.now() - settings.watcher.brake_hold
        missing = await absences.picture(conn, settings.watcher.brake, since=held_since)
        last = await told.last_number(conn)
    hosts = settings.upstream.allowed_file_hosts or me.file_hosts
    lag = (clock.now() - position.checked_at).total_seconds() if position else None
    return [
        ("instance", str(me.uuid)),
        ("index", me.index_url),
        ("file hosts", ", ".join(hosts) if hosts else "not known before the first page"),
        ("data directory", str(settings.data_dir)),
        (
            "journal",
            f"serial {position.serial}, read {lag:.0f} s ago" if position and lag is not None else "not watched",
        ),
        ("news from", _source(source)),
        ("watched since", f"{position.observed_since:%Y-%m-%d %H:%M} UTC" if position else "never"),
        ("advisories", _advisories(settings, advised_at, advised)),
        ("projects known", str(known)),
        ("projects wanted", str(unasked)),
        ("missing", _missing(missing)),
        ("newest event", str(Cursor(me.epoch, last)) if last else "none"),
    ]


async def _kept(catalog: Catalog, settings: Settings) -> list[tuple[str, str]]:
    """What is kept, of how much, and where."""
    async with catalog.reading() as conn:
        waiting = await backlog.count(conn)
        found, states = await room.read(conn), await room.figures(conn)
        watched = await watchlist.count(conn)
    patterns = f" and {', '.join(settings.keep.watch)}" if settings.keep.watch else ""
    return [
        ("files waiting", str(waiting)),
        ("files", _states(found, states)),
        ("store", settings.store.url or f"file:{settings.store_dir}"),
        ("stored", _stored(found)),
        ("keeping", f"{settings.keep.scope} (keep.scope); watched are {watched} on the watchlist{patterns}"),
    ]


def _states(found: Room, states: list[FilesInState]) -> str:
    if found.counted_at is None:
        return "not counted yet"
    counted = ", ".join(f"{one.files} {one.state}" for one in sorted(states, key=lambda one: one.state))
    return f"{counted or 'none'}, counted {found.counted_at:%Y-%m-%d %H:%M} UTC"


def _stored(found: Room) -> str:
    of = f" of {_size(found.limit)} (keep.quota)" if found.limit is not None else ""
    paused = "; no room: only what leaves upstream is kept" if found.kept_up_to <= Priority.RESCUE else ""
    full = f"; there was none left on {found.full_at:%Y-%m-%d %H:%M} UTC" if found.full_at is not None else ""
    return f"{_size(found.used)}{of}{paused}{full}"


def _size(size: int) -> str:
    rest, unit = float(size), 0
    while rest >= 1024 and unit < len(_UNITS) - 1:
        rest, unit = rest / 1024, unit + 1
    return f"{rest:.1f} {_UNITS[unit]}" if unit else f"{size} bytes"


def _missing(missing: Picture) -> str:
    said = f"{missing.projects} projects lack files unexplained, {missing.threshold} are too many"
    if missing.engaged_at is None:
        return said
    return (
        f"{said}; none of it is believed since {missing.engaged_at:%Y-%m-%d %H:%M} UTC"
        " (`everpin release brake --reason ...` if upstream really removed it)"
    )


def _source(known: News) -> str:
    said = "the journal" if known.source is Source.CHANGELOG else "the feed of new releases"
    gap = f"; the journal cannot be read since {known.gap_since:%Y-%m-%d %H:%M} UTC" if known.gap_since else ""
    return f"{said}{gap}{', it was set back' if known.is_set_back else ''}"


def _advisories(settings: Settings, read_at: datetime | None, count: int) -> str:
    if not settings.osv_url:
        return "not read (safety.osv_url)" + (f", {count} known" if count else "")
    if read_at is None:
        return "not read yet"
    return f"{count} of malware, read {(clock.now() - read_at).total_seconds():.0f} s ago"
