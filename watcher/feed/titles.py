"""What feeds say of themselves: what they are filtered to, and since when they can know anything. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from mirror.event_kinds import BOOKKEEPING, EventKind
from watcher.feed.filters import EventFilter

_MOST_NAMED = 5
_WITHOUT_BOOKKEEPING = frozenset(EventKind) - BOOKKEEPING


def title(whole: str, wanted: EventFilter) -> str:
    """The title of the whole feed with what this one is filtered to."""
    parts = "; ".join(_parts(wanted))
    return f"{whole} ({parts})" if parts else whole


def current_subtitle(*, observed_since: datetime | None, retention: timedelta | None, is_cut: bool) -> str:
    """What the current document says of itself. `observed_since` is when the journal began to be watched."""
    sentences = ["Deletions, yanks, quarantines and returns, as this mirror noticed them."]
    if observed_since is None:
        sentences.append("It does not watch the journal of its index: only what pages showed is told here.")
    else:
        sentences.append(
            f"It watches its index since {_moment(observed_since)}; what happened before is not told here."
        )
    if retention is not None:
        sentences.append(f"Entries are held for {retention.days} days.")
    if is_cut:
        sentences.append("The last day had more than one document can hold; the rest is in the archives.")
    return " ".join(sentences)


def archive_subtitle(*, first: int, last: int, created_at: datetime) -> str:
    """What an archive says of itself, in words that stay true."""
    return (
        f"Events {first} to {last} of this mirror, as it noticed them."
        f" It has been there since {_moment(created_at)}; what happened before is not told here."
    )


def _parts(wanted: EventFilter) -> Iterator[str]:
    if names := (*sorted(wanted.projects or ()), *wanted.patterns):
        yield _listed("project", names)
    if wanted.kinds is not None and wanted.kinds != _WITHOUT_BOOKKEEPING:
        yield _listed("kind", sorted(wanted.kinds))
    if wanted.stable_only:
        yield "no pre-releases"
    if wanted.min_age is not None:
        yield f"files at least {_span(wanted.min_age)} old"
    for policy, said in wanted.verdicts:
        yield f"policy {policy}: {said}"


def _listed(word: str, names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{word}{'s' if len(names) > 1 else ''} {shown}"


def _span(span: timedelta) -> str:
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if span >= size and not span % size:
            return f"{span // size}{unit}"
    return f"{span.total_seconds():g}s"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
