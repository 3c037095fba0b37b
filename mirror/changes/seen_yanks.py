"""Yanks that a page shows and no row explains: the row was lost, or is only read later, or there never was one.

A page is often seen before its row, so what it shows waits for a while. Meanwhile the row takes it over
(`overtaken_by_row`), or a removal or another page explains it away; what is left is told as the page showed it
(`tell_seen`), and a row that comes even later tells it no second time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mirror.changes.step import Step, Telling, current, key_of, keys_of
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.journal_rows import JournalRow, ReleaseUnyanked, ReleaseYanked
from mirror.model import FileFacts, Memory, PendingYank, ProjectPage, YankChange
from mirror.names import Serial, Sha256, same_version_key

ROW_WAITS = timedelta(seconds=120)
"""How long what a page shows waits for its row, which is read every half minute where all is well."""
ROW_MAY_COME = timedelta(days=30)
"""For how long it is remembered what was told without its row: the journal may be down for longer than a poll."""


def is_of(pending: PendingYank, version: str | None) -> bool:
    """Whether it is about that version, as PEP 440 compares."""
    if version is None or pending.version is None:
        return pending.version == version
    return same_version_key(pending.version) == same_version_key(version)


def is_seen(pending: PendingYank) -> bool:
    """Whether only a page shows it, and it was not told yet."""
    return pending.filename is not None


def is_told(pending: PendingYank) -> bool:
    """Whether it was told as a page showed it, and is remembered for its row alone."""
    return pending.serial is None and pending.filename is None


def notice(before: Memory, after: Memory, page: ProjectPage, rows: Sequence[JournalRow], now: datetime) -> Memory:
    """The memory `after` a page, in which those files wait to be told whose yank it shows to be another than `before`.

    `rows` are all remembered rows. What was not there before, had departed, or is not on the page shows no change.
    """
    said = _said_of_yanks(rows)
    waiting = {(p.filename, p.sha256): p for p in before.pending if is_seen(p)}
    pending = list(after.pending)
    for was, file in zip(before.files, after.files, strict=False):  # new files come last
        if not _is_comparable(was, file, after):
            continue
        known = waiting.get((file.filename, was.sha256)) or waiting.get((file.filename, None))
        told = known.told_before if known is not None else was.listed_file.yanked
        shown = file.listed_file.yanked
        if known is not None and known in pending:
            pending.remove(known)
        if shown == told:
            continue  # as it was, or as it is again
        change = _change_to(file)
        if known is None and (shown == was.listed_file.yanked or _is_explained(was, change, before, page, said)):
            continue
        if known is None:
            known = PendingYank(None, file.version, change, None, now, now + ROW_WAITS, told)
        due_at = min(filter(None, (known.due_at, now + ROW_WAITS)))
        serial = known.shown_serial if known.change is change and known.filename is not None else page.serial
        pending.append(
            replace(
                known,
                change=change,
                due_at=due_at,
                filename=file.filename,
                sha256=file.sha256,
                shown_serial=serial,
                id=None,
            )
        )
    return replace(after, pending=tuple(pending)) if pending != list(after.pending) else after


def _is_comparable(was: FileFacts, file: FileFacts, after: Memory) -> bool:
    return (
        was.filename == file.filename
        and was.incarnation == file.incarnation == after.project.incarnation
        and was.listed
        and was.disappeared_at is None
        and file.listed
        and file.missing_seen is None
    )


_Said = dict[str, list[tuple[Serial, YankChange]]]


def _said_of_yanks(rows: Iterable[JournalRow]) -> _Said:
    """What the rows say of the yanks of each version, in order."""
    said: _Said = {}
    for row in rows:
        if row.version is not None and isinstance(row.action, ReleaseYanked | ReleaseUnyanked):
            change = YankChange.YANKED if isinstance(row.action, ReleaseYanked) else YankChange.UNYANKED
            said.setdefault(same_version_key(row.version), []).append((row.serial, change))
    return said


def _is_explained(was: FileFacts, change: YankChange, before: Memory, page: ProjectPage, said: _Said) -> bool:
    """Whether a row says the same that no page could show so far: that row is told, or will be."""
    if was.version is None:
        return False
    if any(p.serial is not None and p.change is change and is_of(p, was.version) for p in before.pending):
        return True
    shown_up_to = (before.project.page_serial if was.missing_seen is None else was.listed_until) or 0
    news = [
        said_change
        for serial, said_change in said.get(same_version_key(was.version), [])
        if serial > shown_up_to and (page.serial is None or serial <= page.serial)
    ]
    return bool(news) and news[-1] is change


def overtaken_by_row(
    memory: Memory, row: JournalRow, change: YankChange
) -> tuple[Memory, tuple[PendingYank, ...], bool]:
    """Before a row is applied: takes out what pages showed of the same act, which the row is to tell now.

    The last of the three results says that it was told already. Of several acts that were told without their rows a row
    explains the first. What a page showed that is older than the row is old news: its own row would have come before.
    """
    about = [p for p in memory.pending if p.serial is None and is_of(p, row.version or "")]
    older = [p for p in about if p.shown_serial is not None and p.shown_serial < row.serial]
    alike = [p for p in about if p not in older and p.change is change]
    if told := min((p for p in alike if is_told(p)), key=lambda p: p.observed_at, default=None):
        return _without(memory, [*older, told]), (), True
    overtaken = tuple(p for p in about if is_seen(p) and (p in older or p in alike))
    return _without(memory, [*older, *overtaken]), overtaken, False


def end_is_told(memory: Memory, row: JournalRow) -> bool:
    """Whether a page newer than the row of a yank showed that it is over, and that was told before the row was read."""
    return any(
        is_told(p)
        and p.change is YankChange.UNYANKED
        and is_of(p, row.version or "")
        and (p.shown_serial or 0) >= row.serial
        for p in memory.pending
    )


def over_again(memory: Memory, files: Iterable[FileFacts], now: datetime) -> Memory:
    """After a yank was told that a newer page shows to be over: that waits for its row, too."""
    known = {(p.filename, p.sha256) for p in memory.pending if is_seen(p)}
    waiting = tuple(
        PendingYank(
            serial=None,
            version=file.version,
            change=YankChange.UNYANKED,
            upstream_time=None,
            observed_at=now,
            due_at=now + ROW_WAITS,
            told_before="",
            filename=file.filename,
            sha256=file.sha256,
            shown_serial=memory.project.page_serial,
        )
        for file in files
        if file.listed_file.yanked is None and (file.filename, file.sha256) not in known
    )
    return replace(memory, pending=(*memory.pending, *waiting))


def tell_seen(memory: Memory, due: Iterable[PendingYank], now: datetime) -> Step:
    """Tells what waited long enough for its row: of a release as one act where all of its files changed alike."""
    due = list(due)
    step = Step(_without(memory, [p for p in due if is_told(p)]))
    versions = dict.fromkeys(p.version for p in due if is_seen(p))
    for version in versions:
        step = step.then(_tell_version(step.memory, version, now))
    return step


def _tell_version(memory: Memory, version: str | None, now: datetime) -> Step:
    waiting = [p for p in memory.pending if is_seen(p) and is_of(p, version)]
    files = [f for f in current(memory) if f.listed and (f.version == version or is_of(waiting[0], f.version))]
    shown = {(f.filename, f.sha256): f for f in files if f.missing_seen is None}
    missing = {(f.filename, f.sha256) for f in files if f.missing_seen is not None}
    changed = [
        (file, p)
        for p in waiting
        if (file := _shown_as(shown, p)) is not None and file.listed_file.yanked != p.told_before
    ]
    # What is not on the page any more may be on its way out: then the removal explains it.
    absent = [
        replace(p, due_at=now + ROW_MAY_COME)
        for p in waiting
        if (p.filename, p.sha256) in missing and now < p.observed_at + ROW_MAY_COME
    ]
    memory = _without(memory, waiting)
    tellings: list[Telling] = []
    told: list[PendingYank] = []
    for change in YankChange:
        alike = [
            (file, p) for file, p in changed if (file.listed_file.yanked is None) is (change is YankChange.UNYANKED)
        ]
        if alike:
            tellings += _tellings(change, alike, list(shown.values()))
            told.append(_remembered(alike[0][1], change, now))
    return Step(replace(memory, pending=(*memory.pending, *absent, *told)), tuple(tellings))


def _change_to(file: FileFacts) -> YankChange:
    return YankChange.UNYANKED if file.listed_file.yanked is None else YankChange.YANKED


def _remembered(told: PendingYank, change: YankChange, now: datetime) -> PendingYank:
    return replace(
        told, change=change, due_at=now + ROW_MAY_COME, told_before=None, filename=None, sha256=None, id=None
    )


def _shown_as(shown: dict[tuple[str, Sha256 | None], FileFacts], waiting: PendingYank) -> FileFacts | None:
    if waiting.sha256 is not None:
        return shown.get((waiting.filename or "", waiting.sha256))
    # Its digest may have become known meanwhile.
    return next((file for (filename, _), file in shown.items() if filename == waiting.filename), None)


def _tellings(
    change: YankChange, changed: Sequence[tuple[FileFacts, PendingYank]], shown: Sequence[FileFacts]
) -> list[Telling]:
    keys = {key_of(file) for file, _ in changed}
    since = min(p.observed_at for _, p in changed)
    unyanked = change is YankChange.UNYANKED
    # What came with the page, or later, was never known to be otherwise.
    whole = all(key_of(file) in keys or (file.first_seen_at >= since and _change_to(file) is change) for file in shown)
    version = changed[0][0].version
    if whole and version is not None:
        kind = EventKind.RELEASE_UNYANKED if unyanked else EventKind.RELEASE_YANKED
        reasons = (file.listed_file.yanked for file, _ in changed)
        return [
            Telling(
                kind,
                Evidence.INDEX,
                keys_of(shown),
                version=version,
                was_yanked=any(p.told_before is not None for _, p in changed),
                yanked_reason=next((reason for reason in reasons if reason), None),
            )
        ]
    kind = EventKind.FILE_UNYANKED if unyanked else EventKind.FILE_YANKED
    return [
        Telling(
            kind,
            Evidence.INDEX,
            (key_of(file),),
            version=file.version,
            filename=file.filename,
            was_yanked=p.told_before is not None,
            yanked_reason=file.listed_file.yanked or None,
        )
        for file, p in changed
    ]


def _without(memory: Memory, gone: Sequence[PendingYank]) -> Memory:
    if not gone:
        return memory
    return replace(memory, pending=tuple(p for p in memory.pending if p not in gone))
