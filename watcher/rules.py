"""The rules of judging, as the settings have them, and what is judged again when they have changed."""

import msgspec

from mirror import clock, observe
from mirror.catalog import instance, projects
from mirror.catalog.database import Catalog
from mirror.keeping import Keeping, patterns_of
from mirror.settings import Settings
from mirror.states import Rules


def rules_of(settings: Settings) -> Rules:
    """The settings that judgements depend on."""
    safety = settings.safety
    return Rules(
        min_age=safety.min_age,
        quarantine_memory=safety.quarantine_memory,
        reregistered=safety.reregistered,
        cooldown=safety.cooldown,
        min_project_age=safety.min_project_age,
        settle=safety.settle,
        reads_advisories=bool(settings.osv_url),
        unexplained=safety.unexplained,
        serves_departed=safety.serve_departed == "kept",
        new_release_delay=safety.new_release_delay,
        undelayed=safety.undelayed,
        tells_downloads=settings.feed.include_local,
        keeping=keeping_of(settings),
    )


def keeping_of(settings: Settings) -> Keeping:
    """The settings that say what is kept."""
    keep = settings.keep
    private = patterns_of(settings.upstream.private_names)
    return Keeping(keep.scope, patterns_of(keep.watch), private, keep.max_file_size)


async def apply_rules(catalog: Catalog, rules: Rules) -> None:
    """Judges once more what was judged by other rules before, as far as rules can make a difference."""
    said: dict[str, object] = msgspec.to_builtins(rules)
    del said["keeping"]  # judges nothing
    wanted = msgspec.json.encode(said).decode()
    async with catalog.reading() as conn:
        if (await instance.read(conn)).rules == wanted:
            return
        names = await projects.judged_by_rules(conn)
        if rules.new_release_delay:
            names += await projects.with_files_born_after(conn, clock.now() - rules.new_release_delay)
    for name in names:
        async with catalog.writing() as conn:
            await observe.clock(conn, [name], rules=rules, now=clock.now())
    async with catalog.writing() as conn:
        await instance.set_rules(conn, wanted)
