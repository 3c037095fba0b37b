"""What operators order in a history, and what must follow: which acts mean something, and of what they are told."""

from dataclasses import dataclass

from tests.properties.history_acts import Step, Upstream
from tests.properties.history_bans import Aim
from tests.properties.history_evidence import Evidence
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Record, Told

ORDERS = ("block", "unblock", "release", "release_as_was", "purge", "unpurge")


@dataclass(frozen=True)
class Order:
    """An operator's act."""

    verb: str
    aim: Aim
    as_was: bool = False


def order_of(step: Step, upstream: Upstream) -> Order:
    """What an operator orders in this step; of bytes only where there are some."""
    uploads = upstream.uploads
    if step.that >= 2 and uploads:
        aim = Aim(None, sha256=uploads[(step.this + step.project) % len(uploads)].sha256)
    else:
        aim = Aim(step.name, step.version if step.that else None)
    return Order(step.verb.removesuffix("_as_was"), aim, as_was=step.verb.endswith("_as_was"))


def carry_out(model: HistoryModel, order: Order) -> bool:
    """Carries the order out. False where it means nothing that is known here: then nothing happens."""
    aim, bans = order.aim, model.bans
    meant = _covered(model, aim)
    done: list[tuple[Evidence, Record]] = []
    match order.verb:
        case "block":
            bans.blocks.append(aim)
        case "unblock":
            if not bans.unblock(aim) and not meant:
                return False
        case _ if not meant:
            return False
        case "release":
            _release(meant, order)
        case "purge":
            digests = {record.entry.sha256 for _, record in meant if record.entry.sha256 not in bans.buried}
            done = [(s, r) for s in model.stories.values() for r in s.records.values() if r.entry.sha256 in digests]
            bans.buried |= digests
            model.stored -= digests
        case "unpurge":
            bans.buried -= {record.entry.sha256 for _, record in meant}
        case _:
            raise AssertionError(order.verb)
    _tell(model, order, meant, done)
    return True


def _covered(model: HistoryModel, aim: Aim) -> list[tuple[Evidence, Record]]:
    return [
        (story, record)
        for story in model.stories.values()
        for record in story.records.values()
        if aim.covers(story.name, record.entry)
    ]


def _release(meant: list[tuple[Evidence, Record]], order: Order) -> None:
    """Of all that is meant by name, what waits for an operator or is gone; by its digest, whatever it is."""
    vouched = order.aim.sha256 is not None
    chosen = [(story, record) for story, record in meant if vouched or _can_be_released(story, record)]
    for story, record in chosen:
        if record.replaced:
            for other in story.records.values():
                if other.entry.filename == record.entry.filename:
                    other.replaced, other.released, other.vouched, other.as_was = True, False, False, False
    for story, record in chosen:
        record.replaced = False
        record.released = True
        record.vouched = record.vouched or vouched
        record.as_was = order.as_was and story.departure(record) is not None


def _can_be_released(story: Evidence, record: Record) -> bool:
    state = story.state(record)
    if state == "purged" or state.startswith("blocked") or record.replaced:
        return False
    return story.departure(record) is not None or state.startswith("held")


def _tell(
    model: HistoryModel, order: Order, meant: list[tuple[Evidence, Record]], done: list[tuple[Evidence, Record]]
) -> None:
    """One event for each project whose files are meant, or one for none; and one where something was destroyed."""
    names = sorted({story.name for story, _ in (*meant, *done)})
    for name in names:
        version = order.aim.version if order.aim.project == name else None
        model.told.append(Told("operator.act", name, version, None))
        if any(story.name == name for story, _ in done):
            model.told.append(Told("takedown", name, version, None))
    if not names:
        model.told.append(Told("operator.act", "", None, None))
