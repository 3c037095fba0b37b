"""Every event that a target wants reaches it: in order, at least once and under one id, whoever delivers."""

from dataclasses import replace
from datetime import timedelta

from mirror import clock
from mirror.catalog import webhooks
from mirror.event_kinds import EventKind
from tests.subscribers import subscriber
from tests.watcher.houses import eventually, until
from tests.watcher.webhooks.deliveries import Office, target
from watcher.webhooks.delivery import REMEMBERED


async def test_a_target_gets_what_is_told_from_its_beginning_on_in_order(office: Office) -> None:
    """What was told before it was there is not pushed, and what it does not want is passed over."""
    await office.tell("0.1", "0.2")

    async with subscriber() as to, office.delivering(target(to)) as delivery:
        ids = await office.tell("1.0", "1.1", "1.2")
        await office.tell("1.3", kind=EventKind.RESCUED)
        await delivery.tick()
        await until(lambda: len(to.accepted) == 3)
        await office.tell("1.4")
        await delivery.tick()
        await until(lambda: len(to.accepted) == 4)

    assert to.versions == ["1.0", "1.1", "1.2", "1.4"]
    assert to.ids[:3] == ids


async def test_what_is_passed_over_is_recorded_as_done(office: Office) -> None:
    """Otherwise it would be looked at again after each start, and look as if it waited."""
    async with subscriber() as to, office.delivering(target(to)) as delivery:
        await office.tell("1.0", "1.1", kind=EventKind.RESCUED)

        async def is_done() -> bool:
            await delivery.tick()
            return await office.is_done_with(2)

        await eventually(is_done)

    assert to.ids == []


async def test_a_failed_delivery_is_tried_again_under_its_id_before_any_other(office: Office) -> None:
    """A redirect is a failure too. The failures in a row are counted anew with the next event."""
    async with subscriber(500, 302, 429, 204, 503, 204) as to, office.delivering(target(to)) as delivery:
        first, second = await office.tell("1.0", "1.1")
        await delivery.tick()
        await until(lambda: len(to.accepted) == 2)
        await eventually(lambda: office.is_done_with(2))
        row = await office.row()

    assert to.ids == [first] * 4 + [second] * 2
    assert to.versions == ["1.0", "1.1"]
    assert office.failures == [1, 2, 3, 1]
    assert (row.attempts, row.failing_since, row.last_error, row.last_status) == (0, None, None, 204)


async def test_who_fails_is_known_to(office: Office) -> None:
    """Since when, with what, and when it is tried again, also by whoever leads next."""
    async with subscriber(503, Retry_After="1800") as to:
        async with office.delivering(target(to)) as delivery:
            await office.tell("1.0")
            await delivery.tick()

            async def is_failing() -> bool:
                return (await office.row()).attempts == 1

            await eventually(is_failing)
        row = await office.row()
        async with office.delivering(target(to)) as delivery:
            await delivery.tick()
            async with office.catalog.writing() as conn:
                await webhooks.enable(conn, row.id, now=clock.now())
            await delivery.tick()
            await until(lambda: to.versions == ["1.0"])

    assert (row.last_status, row.last_error, row.number) == (503, "answered 503", 0)
    assert row.failing_since is not None
    assert row.next_at is not None
    assert row.next_at - row.failing_since == timedelta(minutes=30)
    assert len(to.ids) == 2


async def test_a_slow_target_delays_no_other(office: Office) -> None:
    """Nor does one that never answers."""
    async with (
        subscriber(is_open=False) as slow,
        subscriber() as quick,
        office.delivering(target(slow, "slow"), target(quick, "quick")) as delivery,
    ):
        await office.tell("1.0", "1.1", "1.2")
        await delivery.tick()
        await until(lambda: len(quick.accepted) == 3)
        begun = len(slow.ids)
        slow.open.set()
        await until(lambda: len(slow.accepted) == 3)

    assert begun <= 1
    assert slow.ids == quick.ids


async def test_nothing_is_lost_when_the_term_ends_in_the_middle(office: Office) -> None:
    """What was on its way, and perhaps arrived, comes again under its id, and then what follows it."""
    async with subscriber(is_open=False) as to:
        async with office.delivering(target(to)) as delivery:
            ids = await office.tell("1.0", "1.1")
            await delivery.tick()
            await until(lambda: len(to.ids) == 1)
        to.open.set()
        async with office.delivering(target(to)):
            await until(lambda: len(to.ids) == 3)
            await eventually(lambda: office.is_done_with(2))

    assert to.ids == [ids[0], *ids]


async def test_who_leads_no_longer_neither_sends_nor_records(office: Office) -> None:
    """As one that was paused while it waited for an answer, and wakes up when another has delivered for long."""
    async with subscriber(is_open=False) as to, office.delivering(target(to)) as deposed:
        first, second = await office.tell("1.0", "1.1")
        await deposed.tick()
        await until(lambda: len(to.ids) == 1)
        await office.leads()
        to.open.set()
        await until(lambda: deposed.is_over)
        await deposed.tick()
        row = await office.row()
        async with office.delivering(target(to)):
            await eventually(lambda: office.is_done_with(2))

    assert row.number == 0
    assert to.ids == [first, first, second]


async def test_a_target_that_is_moved_goes_on_where_it_was(office: Office) -> None:
    """What could not be delivered to the address before, or was not wanted there, is for the new one; once."""
    async with subscriber(410) as before, subscriber() as after:
        async with office.delivering(target(before), target(after, "other")) as delivery:
            ids = await office.tell("1.0")
            await delivery.tick()

            async def is_disabled() -> bool:
                return (await office.row()).disabled_at is not None

            await eventually(is_disabled)
            await eventually(lambda: office.is_done_with(1, "other"))
        moved = replace(target(after), key="key of the new address")
        async with office.delivering(moved, target(after, "other")) as delivery:
            ids += await office.tell("1.1")
            await delivery.tick()
            await eventually(lambda: office.is_done_with(2))
            await eventually(lambda: office.is_done_with(2, "other"))

    assert (before.ids, sorted(after.ids)) == (ids[:1], sorted(2 * ids))


async def test_a_wait_that_a_wrong_clock_noted_is_not_waited_for(office: Office) -> None:
    """Else a clock that was ahead for a minute could cost a year."""
    async with subscriber(500) as to:
        async with office.delivering(target(to), since=clock.now() + timedelta(days=365)) as delivery:
            await office.tell("1.0")
            await delivery.tick()

            async def has_failed() -> bool:
                return (await office.row()).attempts == 1

            await eventually(has_failed)
        async with office.delivering(target(to)):
            await until(lambda: to.versions == ["1.0"])


async def test_a_target_that_comes_back_goes_on_where_it_was(office: Office) -> None:
    """Whatever was told while it did not stand in the settings; but not for ever."""
    async with subscriber() as to:
        async with office.delivering(target(to), target(to, "other")):
            pass
        async with office.delivering(target(to, "other")) as delivery:
            await office.tell("1.0")
            await delivery.tick()
            await until(lambda: len(to.ids) == 1)
        async with office.delivering(target(to)):
            await until(lambda: len(to.ids) == 2)
            await eventually(lambda: office.is_done_with(1))
        async with office.delivering(since=clock.now() + REMEMBERED + timedelta(hours=1)):
            pass
        async with office.catalog.reading() as conn:
            assert await webhooks.targets(conn) == []


async def test_deliveries_to_locks_come_and_go_with_them(office: Office) -> None:
    """They get what touches the lock, and a lock that is gone takes its target with it."""
    async with subscriber() as to:
        office.locks[7] = target(to).wanted
        async with office.delivering() as delivery:
            async with office.catalog.writing() as conn:
                for lock_feed in (7, 8):
                    await webhooks.add_target(
                        conn,
                        key=f"lock {lock_feed}",
                        name=f"lock {lock_feed}",
                        url=to.url,
                        secret=target(to).secrets[0],
                        lock_feed=lock_feed,
                        from_number=0,
                    )
            await delivery.tick()
            async with office.catalog.reading() as conn:
                (left,) = await webhooks.targets(conn)
            # What belongs to a lock may never lead inside, as the receiver does here.
            await office.tell("1.0")
            await delivery.tick()
            await eventually(lambda: office.is_done_with(1, "lock 7"))
            (refused,) = await office.dead("lock 7")
            async with office.catalog.writing() as conn:
                assert await webhooks.remove_targets_of_lock(conn, 7) == 1
            await delivery.tick()

    assert left.name == "lock 7"
    assert "127.0.0.1 is not a public address" in refused.error
    assert to.ids == []


async def test_what_could_not_be_recorded_is_sent_once_more(office: Office) -> None:
    """A catalog that fails for a moment costs a repetition, and no event."""
    async with subscriber(is_open=False) as to, office.delivering(target(to)) as delivery:
        ids = await office.tell("1.0", "1.1")
        await delivery.tick()
        await until(lambda: len(to.ids) == 1)
        async with office.catalog.writing() as conn:
            await conn.execute("alter table webhook_targets rename to elsewhere")
        to.open.set()
        await until(lambda: office.failures == [1])
        async with office.catalog.writing() as conn:
            await conn.execute("alter table elsewhere rename to webhook_targets")
        await eventually(lambda: office.is_done_with(2))

    assert to.ids == [ids[0], *ids]


async def test_another_history_is_delivered_from_where_its_targets_are(office: Office) -> None:
    """As after a database was put back from a copy: what is told from then on has cursors of its own."""
    async with subscriber() as to, office.delivering(target(to)) as delivery:
        async with office.catalog.writing() as conn:
            await conn.execute("update instance set epoch = epoch + 1")
        await office.tell("1.0")
        await delivery.tick()
        await until(lambda: to.versions == ["1.0"])

    assert to.accepted[0]["data"]["cursor"] == "2-1"
