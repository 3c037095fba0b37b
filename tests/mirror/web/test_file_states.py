"""The state of a file decides what its address answers, and the status line says why."""

import json
from datetime import UTC, datetime

import pytest

from mirror.catalog.database import Catalog
from mirror.index.reasons import WHY
from mirror.model import Cause, State
from tests.mirror.web.clients import ask, old_wheel
from tests.pypi_sim import PyPISim
from tests.watcher.houses import House, eventually, long_ago

WHEN = datetime(2024, 5, 6, tzinfo=UTC)


async def known(house: House, pypi: PyPISim, *, is_kept: bool = True) -> str:
    """The address of a file that the mirror knows, and has, where `is_kept`."""
    path = await house.url("demo", old_wheel(pypi))
    if is_kept:
        assert (await ask(house, path)).status == 200
    return path


async def _set(catalog: Catalog, state: State, cause: Cause | None = None, *, departed: bool = True) -> None:
    async with catalog.writing() as conn:
        await conn.execute(
            "update files set state = $1, cause = $2, departed_at = $3, departed_serial = $4, departed_cause = $5,"
            " departed_yanked = false",
            state,
            cause,
            WHEN if departed else None,
            17 if departed else None,
            "release" if departed else None,
        )


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_sentence(cause: Cause) -> None:
    """Whoever is refused a file learns why."""
    assert WHY[cause].isascii()


async def test_a_yanked_file_is_served(house: House, pypi: PyPISim) -> None:
    """PEP 592: yanked files go on working for those who pinned them."""
    path = await known(house, pypi)
    pypi.yank("demo", "1.0", "broken")
    await house.watch()

    answer = await ask(house, path)

    assert (answer.status, answer.headers["X-Everpin-State"]) == (200, "yanked")


async def test_a_kept_file_and_its_metadata_are_served(house: House, pypi: PyPISim) -> None:
    """What upstream deleted is still here, and says that it is kept."""
    path = await known(house, pypi)
    assert (await ask(house, f"{path}.metadata")).status == 200
    pypi.delete_release("demo", "1.0")
    await house.watch()

    answers = [await ask(house, path), await ask(house, f"{path}.metadata")]

    assert [(answer.status, answer.headers["X-Everpin-State"]) for answer in answers] == [(200, "kept")] * 2


@pytest.mark.parametrize("suffix", ["", ".metadata"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("state", "cause", "status", "phrase", "header"),
    [
        (State.HELD, Cause.YOUNG, 403, "held by this mirror: it was deleted upstream soon after", "held; cause=young"),
        (State.HELD, Cause.STRANGER, 403, "held by this mirror: it appeared after", "held; cause=stranger"),
        (State.HELD, Cause.REPLACED, 403, "held by this mirror: another file had this name", "held; cause=replaced"),
        (State.HELD, Cause.QUARANTINE, 403, "held by this mirror: it is or was quarant", "held; cause=quarantine"),
        (State.BLOCKED, Cause.QUARANTINE, 403, "blocked by this mirror: it is or was", "blocked; cause=quarantine"),
        (State.BLOCKED, Cause.OPERATOR, 403, "blocked by this mirror: the operator", "blocked; cause=operator"),
        (State.PURGED, None, 410, "was purged by the operator", "purged"),
        (State.LOST, None, 404, "is lost", "lost"),
    ],
)
async def test_what_is_withheld_says_so_in_the_status_line(
    house: House,
    pypi: PyPISim,
    catalog: Catalog,
    suffix: str,
    method: str,
    state: State,
    cause: Cause | None,
    status: int,
    phrase: str,
    header: str,
) -> None:
    """Installers show nothing else. The bytes are in the store, and are not given out all the same."""
    path = await known(house, pypi)
    await _set(catalog, state, cause)

    answer = await ask(house, path + suffix, method)

    assert answer.status == status
    assert phrase in answer.reason
    assert answer.headers["X-Everpin-State"] == header
    assert answer.headers["Cache-Control"] == "no-store"
    if method == "GET":
        told = json.loads(answer.text)
        assert told["status"] == status
        assert told["state"] == header
        if state is not State.PURGED:
            assert "deleted upstream on 2024-05-06 (serial 17)" in told["detail"]


async def test_a_long_name_does_not_hide_why(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """Status lines are cut off somewhere: the state must stand before that."""
    name = "d" * 180
    filename = f"{name}-1.0-py3-none-any.whl"
    pypi.upload(name, "1.0", filename=filename, uploaded_at=long_ago(pypi, days=200))
    path = await house.url(name, filename)
    await _set(catalog, State.HELD, Cause.YOUNG)

    answer = await ask(house, path)

    assert answer.status == 403
    assert "held by this mirror" in answer.reason


async def test_withheld_files_are_not_on_the_page(house: House, pypi: PyPISim, catalog: Catalog) -> None:
    """The page and the addresses say the same."""
    await known(house, pypi)
    for state in (State.HELD, State.BLOCKED, State.PURGED, State.LOST):
        await _set(catalog, state, Cause.YOUNG if state is State.HELD else None)
        async with catalog.writing() as conn:
            await conn.execute("update projects set revision = revision + 1")
            await conn.execute("select pg_notify('everpin', '{\"projects\":[\"demo\"]}')")

        async def is_empty() -> bool:
            return not await house.listed("demo")

        await eventually(is_empty)


async def test_a_file_to_be_rescued_is_worth_waiting_for(house: House, pypi: PyPISim) -> None:
    """It has left upstream's page but not its storage: a client who asks first makes the rescue."""
    path = await known(house, pypi, is_kept=False)
    pypi.delete_release("demo", "1.0")
    await house.poll()
    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "held rescue"}

    answer = await ask(house, path)

    assert answer.status == 200
    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "kept"}
    assert "rescued demo 1.0" in await house.kinds()


async def test_a_rescue_that_fails_is_not_there(house: House, pypi: PyPISim) -> None:
    """Upstream's storage forgot it: 404, and the keeper goes on trying before it is called lost."""
    path = await known(house, pypi, is_kept=False)
    pypi.faults.forget_deleted = True
    pypi.delete_release("demo", "1.0")
    await house.poll()

    answer = await ask(house, path)

    assert answer.status == 404
    assert await house.states("demo") == {"demo-1.0-py3-none-any.whl": "held rescue"}


@pytest.mark.parametrize("withheld", [State.BLOCKED, State.PURGED])
async def test_an_address_that_is_withheld_in_one_life_is_withheld_in_all(
    house: House, pypi: PyPISim, catalog: Catalog, withheld: State
) -> None:
    """The same bytes under the same name in two incarnations have one address: the stricter state rules it."""
    path = await known(house, pypi)
    async with catalog.writing() as conn:
        await conn.execute("create temporary table copies as select * from files")
        await conn.execute("alter table copies drop column id")
        await conn.execute("update copies set incarnation = 2")
        columns = await conn.fetchval(
            "select string_agg(attname, ', ') from pg_attribute"
            " where attrelid = 'copies'::regclass and attnum > 0 and not attisdropped"
        )
        await conn.execute(f"insert into files ({columns}) select {columns} from copies")  # noqa: S608 - names of columns
        await conn.execute("drop table copies")
        await conn.execute("update files set state = $1 where incarnation = 1", withheld)

    answer = await ask(house, path)

    assert answer.status == (403 if withheld is State.BLOCKED else 410)


async def test_a_quarantine_withdraws_a_file_at_once(house: House, pypi: PyPISim) -> None:
    """Bytes in the store and all: from the row on nobody gets them."""
    path = await known(house, pypi)
    pypi.quarantine_project("demo")
    await house.poll()

    answers = [await ask(house, path), await ask(house, f"{path}.metadata"), await ask(house, path, Range="bytes=0-9")]

    assert [answer.status for answer in answers] == [403] * 3
    assert all("quarantined" in answer.reason for answer in answers)
