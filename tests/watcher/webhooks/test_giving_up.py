"""What cannot be delivered holds up nothing for ever, and is kept so that an operator can send it once more."""

from collections.abc import Sequence
from datetime import timedelta

from mirror import clock, metrics
from mirror.catalog import dead_letters, redactions, retention, webhooks
from tests.subscribers import subscriber
from tests.watcher.houses import eventually, until
from tests.watcher.webhooks.deliveries import Office, target
from watcher.webhooks.backoff import GIVEN_UP_AFTER, MOST_REPLAYS

LONG_AGO = GIVEN_UP_AFTER + timedelta(hours=1)


async def test_a_receiver_that_says_gone_is_left_alone_until_an_operator_enables_it(office: Office) -> None:
    """Then it gets what was told meanwhile, and what it did not want when it said so."""
    async with subscriber(204, 410) as to, office.delivering(target(to)) as delivery:
        ids = await office.tell("1.0", "1.1")
        await delivery.tick()

        async def is_disabled() -> bool:
            return (await office.row()).disabled_at is not None

        await eventually(is_disabled)
        ids += await office.tell("1.2")
        await delivery.tick()
        row = await office.row()
        tries = len(to.ids)
        async with office.catalog.writing() as conn:
            assert await webhooks.enable(conn, row.id, now=clock.now())
        await delivery.tick()
        await until(lambda: len(to.accepted) == 3)

    assert (row.disabled_reason, row.number) == ("answered 410: nothing more is wanted there", 1)
    assert tries == 2
    assert to.ids == [ids[0], ids[1], ids[1], ids[2]]


async def test_a_target_inside_is_refused_and_holds_up_nothing(office: Office) -> None:
    """Nothing is sent there, and each event is given up at once."""
    counted = _counted("refused")

    async with subscriber() as to, office.delivering(target(to, allow_private=False)) as delivery:
        await office.tell("1.0", "1.1")
        await delivery.tick()
        await eventually(lambda: office.is_done_with(2))
        letters = await office.dead()

    assert to.ids == []
    assert [(letter.number, letter.version, letter.attempts) for letter in letters] == [(1, "1.0", 1), (2, "1.1", 1)]
    assert "127.0.0.1 is not a public address" in letters[0].error
    assert _counted("refused") == counted + 2


async def test_old_events_are_tried_once_each_where_nothing_was_accepted_for_long(office: Office) -> None:
    """Those who were away for long catch up with what is young, and what was given up can be sent once more."""
    async with subscriber(500, 500, 500) as to:
        await office.failed_since(clock.now() - LONG_AGO, target(to))
        async with office.delivering(target(to)) as delivery:
            old = await office.tell("1.0", "1.1", at=clock.now() - LONG_AGO)
            young = await office.tell("1.2")
            await delivery.tick()
            await until(lambda: to.versions == ["1.2"])
            await eventually(lambda: office.is_done_with(3))
            letters = await office.dead()
            await _replay(office, None)
            await delivery.tick()
            await until(lambda: len(to.accepted) == 3)

            async def are_gone() -> bool:
                return not await office.dead()

            await eventually(are_gone)

    assert to.ids == [*old, young[0], young[0], *old]
    assert [(letter.number, letter.error) for letter in letters] == [(1, "answered 500"), (2, "answered 500")]


async def test_old_events_are_not_lost_where_the_receiver_has_just_begun_to_fail(office: Office) -> None:
    """As when both were off for a week and the receiver starts later; or when an operator has just enabled it again."""
    async with subscriber(500, 500, 204, 500) as to:
        async with office.delivering(target(to)) as delivery:
            await office.tell("1.0", at=clock.now() - LONG_AGO)
            await delivery.tick()
            await eventually(lambda: office.is_done_with(1))
        await office.failed_since(clock.now() - LONG_AGO, target(to))
        async with office.catalog.writing() as conn:
            await webhooks.enable(conn, (await office.row()).id, now=clock.now())
        async with office.delivering(target(to)) as delivery:
            await office.tell("1.1", at=clock.now() - LONG_AGO)
            await delivery.tick()
            await eventually(lambda: office.is_done_with(2))

    assert to.versions == ["1.0", "1.1"]
    assert len(to.ids) == 5


async def test_what_is_sent_once_more_in_vain_stays_a_dead_letter(office: Office) -> None:
    """It is tried some times, beside what is told by then, and then no more until it is asked for again."""
    says = [500] * (1 + MOST_REPLAYS)

    async with subscriber(*says) as to:
        await office.failed_since(clock.now() - LONG_AGO, target(to))
        async with office.delivering(target(to)) as delivery:
            (old,) = await office.tell("1.0", at=clock.now() - LONG_AGO)
            await delivery.tick()
            await eventually(lambda: office.is_done_with(1))
            await _replay(office, [1])

            async def is_over() -> bool:
                await delivery.tick()
                (letter,) = await office.dead()
                return letter.replay_at is None

            await eventually(is_over)
            (letter,) = await office.dead()

    assert to.ids == [old] * (1 + MOST_REPLAYS)
    assert letter.attempts == 1 + MOST_REPLAYS


async def test_what_was_redacted_is_not_told_by_any_later_try(office: Office) -> None:
    """Who waits for it learns that it was withdrawn; what was given up is not sent once more for that."""
    async with subscriber(500, 500) as to:
        await office.failed_since(clock.now() - LONG_AGO, target(to))
        async with office.delivering(target(to)) as delivery:
            old = await office.tell("1.0", at=clock.now() - LONG_AGO)
            await delivery.tick()
            await eventually(lambda: office.is_done_with(1))
            to.open.clear()
            ids = await office.tell("1.1")
            await delivery.tick()
            await until(lambda: len(to.ids) == 2)
            await _redact(office, [*old, *ids])
            to.open.set()
            await until(lambda: len(to.accepted) == 1)
            await _replay(office, None)

            async def are_gone() -> bool:
                await delivery.tick()
                return not await office.dead()

            await eventually(are_gone)

    assert to.ids == [*old, *ids, *ids]
    assert to.accepted[0]["data"]["redacted"] is True
    assert "version" not in to.accepted[0]["data"]


async def test_what_is_held_no_longer_is_skipped(office: Office) -> None:
    """It counts as given up, and the target goes on with the oldest event that is held."""
    counted = _counted("dead")

    async with subscriber() as to:
        async with office.delivering(target(to)):
            pass
        await office.tell("1.0", "1.1", at=clock.now() - LONG_AGO)
        await office.tell("1.2")
        async with office.catalog.writing() as conn:
            assert await retention.forget(conn, before=clock.now() - timedelta(days=1), limit=10) == 2
        async with office.delivering(target(to)):
            await until(lambda: to.versions == ["1.2"])

    assert _counted("dead") == counted + 2


def _counted(outcome: str) -> float:
    (family,) = metrics.webhook_deliveries.collect()
    return sum(
        sample.value
        for sample in family.samples
        if sample.labels.get("outcome") == outcome and sample.name == "everpin_webhook_deliveries_total"
    )


async def _replay(office: Office, numbers: Sequence[int] | None) -> None:
    async with office.catalog.writing() as conn:
        assert await dead_letters.replay(conn, (await office.row()).id, numbers, now=clock.now())


async def _redact(office: Office, ids: Sequence[str]) -> None:
    async with office.catalog.writing() as conn:
        act = await conn.fetchval(
            "insert into acts (name, verb, target, reason, actor, at)"
            " values ('an act', 'redact', 'event', 'a test', 'me', now()) returning id"
        )
        for event_id in ids:
            assert await redactions.redact(conn, event_id, act=act, now=clock.now())
