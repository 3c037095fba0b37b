"""The files that a page lists: known ones, ones that are back, and newcomers that may be strangers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mirror.changes.disappearances import reappeared
from mirror.changes.newcomers import dated
from mirror.changes.past import Past
from mirror.changes.step import FileKey, Step, Telling, ever_blocked, is_version, key_of, without_release
from mirror.event_kinds import EventKind
from mirror.events import Evidence
from mirror.model import DepartureCause, FileFacts, HashSource, ListedFile, Memory, ProjectFacts, ProjectPage
from mirror.names import Sha256


def list_files(memory: Memory, page: ProjectPage, past: Past, now: datetime) -> Step:
    """Takes in every file that the page lists, with what is to be thought of those never seen before."""
    known = {key_of(file): file for file in memory.files}
    by_name: dict[str, list[FileFacts]] = {}
    for file in memory.files:
        by_name.setdefault(file.filename, []).append(file)
    listed_keys = {(listed.filename, listed.sha256) for listed in page.files}
    changed: dict[FileKey, FileFacts] = {}
    new: list[FileFacts] = []
    tellings: list[Telling] = []
    back: list[FileFacts] = []
    for listed in page.files:
        namesakes = by_name.get(listed.filename, [])
        found = _same_file(namesakes, listed, memory.project.incarnation)
        if found is None:
            file = new_file(listed, memory.project, page, past, now)
            came_late = past.version_was_removed(file.version) or _version_departed(file, memory, listed_keys)
            file, telling = _judge_newcomer(file, namesakes, memory.project, came_late=came_late)
            new.append(file)
        else:
            file, telling = _list_again(found, listed, memory.project, page, past)
            changed[key_of(found)] = file
            if found.disappeared_at is not None:
                back.append(found)
        if telling is not None:
            tellings.append(telling)
    files = tuple(changed.get(key, file) for key, file in known.items()) + tuple(new)
    return Step(dated(replace(memory, files=files)), (*tellings, *reappeared(back)))


def _same_file(namesakes: Iterable[FileFacts], listed: ListedFile, incarnation: int) -> FileFacts | None:
    candidates = [file for file in namesakes if file.incarnation == incarnation]
    for file in candidates:
        if file.sha256 == listed.sha256 or (listed.sha256 is None and file.hash_source is HashSource.SELF):
            return file
    # Nobody ever said what this one's digest is, nor were its bytes ever here: now we hear it.
    return next((file for file in candidates if file.sha256 is None), None)


def _list_again(
    file: FileFacts, listed: ListedFile, project: ProjectFacts, page: ProjectPage, past: Past
) -> tuple[FileFacts, Telling | None]:
    departed = file.departed
    if departed is not None and (page.serial is None or page.serial < departed.serial):
        return file, None  # the row is newer than this page, or may be
    known, said = file.listed_file, _with_what_we_learned(listed, file)
    again = replace(
        file,
        listed_file=said,
        # Of another digest it is other metadata, which the store does not hold.
        metadata_stored_at=file.metadata_stored_at if said.core_metadata == known.core_metadata else None,
        listed=True,
        missing_since=None,
        missing_seen=None,
        listed_until=None,
        listed_at=None,
        disappeared_at=None,
        disappeared_in=None,
        listed_since=page.serial if departed is not None else file.listed_since,
        departed=None,
        lost_at=None,
    )
    if departed is None:
        return again, None
    # What was quarantined and cleared while the file was away lay on its release all the same.
    again = replace(again, quarantined_at=_last_quarantine(project, past, file.version) or file.quarantined_at)
    if file.sha256 is None:
        # Nobody can say whether these are the bytes that went.
        return replace(without_release(again), stranger=True), None
    if ever_blocked(file) or project.quarantined_by is not None:
        # It was blocked before it went, or is at this moment, whatever a later row will say of the quarantine.
        return replace(without_release(again), stranger=True), None
    return again, _about(EventKind.RESTORED, again)


def _with_what_we_learned(listed: ListedFile, file: FileFacts) -> ListedFile:
    """The page's entry with what stays as first heard, and with what we found out where the page does not say."""
    known = file.listed_file
    return replace(
        listed,
        sha256=known.sha256 or listed.sha256,
        upload_time=known.upload_time or listed.upload_time,
        size=listed.size if listed.size is not None else known.size,
        core_metadata=(known.core_metadata or True) if listed.core_metadata is True else listed.core_metadata,
    )


def _judge_newcomer(
    file: FileFacts, namesakes: Iterable[FileFacts], project: ProjectFacts, *, came_late: bool
) -> tuple[FileFacts, Telling | None]:
    """Says what is wrong with a file never seen in this incarnation; most often nothing is."""
    same_bytes = [f for f in namesakes if f.sha256 == file.sha256 and file.sha256 is not None and not _came_late(f)]
    if same_bytes:
        # What was doubted before is doubted still, until an operator releases it.
        last = same_bytes[-1]
        again = replace(file, stranger=last.stranger, newcomer_in=last.newcomer_in, replaced=last.replaced)
        if project.quarantined_by is not None or any(ever_blocked(f) for f in same_bytes):
            vouched = last.released_by if last.vouched_by is not None else None
            return replace(again, stranger=True, released_by=vouched, vouched_by=last.vouched_by), None
        stored = next((f.stored_at for f in same_bytes if f.stored_at is not None), None)
        restored = replace(again, stored_at=stored, released_by=last.released_by, vouched_by=last.vouched_by)
        return restored, _about(EventKind.RESTORED, restored)
    # Also of a file whose bytes were destroyed: what a name stood for once it never stands for anything else.
    if any(f.sha256 != file.sha256 for f in namesakes):
        replaced = replace(file, replaced=True)
        return replaced, _about(EventKind.FILE_REPLACED, replaced)
    return replace(file, stranger=came_late), None


def _came_late(known: FileFacts) -> bool:
    """Whether a page of no certain age showed the file after its project had gone, so that it was of a later life."""
    gone = known.departed
    return (
        known.first_seen_serial is None
        and gone is not None
        and gone.cause is DepartureCause.PROJECT
        and known.first_seen_at >= gone.at
    )


def _version_departed(file: FileFacts, memory: Memory, listed: set[tuple[str, Sha256 | None]]) -> bool:
    """Whether all we knew of the file's version is gone, or is missing from the very page that brings the file.

    What an earlier life of the name had is gone with it, whatever came back. No quarantine explains that absence: it
    would hide the newcomer as well. Nor do strangers stand for the version, nor other files under the name of one that
    was known before.
    """
    if file.version is None:
        return False
    siblings = [known for known in memory.files if is_version(known, file.version)]
    return any(known.incarnation < memory.project.incarnation for known in siblings) or (
        bool(siblings) and all(_is_gone(known, listed) for known in siblings)
    )


def _is_gone(known: FileFacts, listed: set[tuple[str, Sha256 | None]]) -> bool:
    return (
        known.departed is not None
        or ((known.filename, known.sha256) not in listed and (known.filename, None) not in listed)
        or ((known.stranger or known.replaced) and known.released_by is None)
    )


def new_file(listed: ListedFile, project: ProjectFacts, page: ProjectPage, past: Past, now: datetime) -> FileFacts:
    """A file seen for the first time, with the quarantines that lay on it before."""
    quarantine = past.release_quarantine(listed.version)
    return FileFacts(
        id=None,
        incarnation=project.incarnation,
        listed_file=listed,
        first_seen_at=now,
        first_seen_serial=page.serial,
        newcomer_in=project.incarnation if project.incarnation > 1 else None,
        quarantined_by=quarantine.by,
        quarantined_at=_last_quarantine(project, past, listed.version),
    )


def _last_quarantine(project: ProjectFacts, past: Past, version: str | None) -> datetime | None:
    """When project or release were quarantined last in this life, cleared or not."""
    return max(filter(None, (past.release_quarantine(version).at, project.quarantined_at)), default=None)


def _about(kind: EventKind, file: FileFacts) -> Telling:
    return Telling(kind, Evidence.INDEX, (key_of(file),), version=file.version, filename=file.filename)
