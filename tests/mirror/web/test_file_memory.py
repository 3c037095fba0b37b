"""What is remembered of files is believed only as long as nothing can have changed unheard."""

from datetime import UTC, datetime, timedelta

import pytest

from mirror.catalog.notices import BacklogGrew, JournalRead, NoticesLost, PagesChanged
from mirror.index.paths import Kind
from mirror.model import State
from mirror.names import ProjectName, Serial, Sha256
from mirror.store.keys import StoreKey
from mirror.web.file_memory import LARGEST_SMALL, Address, FileMemory, Servable

NOW = datetime(2026, 8, 10, 12, 0, tzinfo=UTC)
HERE = Address("/packages/here")
DEMO, OTHER = ProjectName("demo"), ProjectName("other")


class Clocks:
    """Time of day, and seconds since some moment."""

    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 0.0


@pytest.fixture
def clocks() -> Clocks:
    """Both of them, to be turned."""
    return Clocks()


@pytest.fixture
def memory(clocks: Clocks) -> FileMemory:
    """A memory of a megabyte that hears."""
    memory = FileMemory(budget=2**20, now=lambda: clocks.now, seconds=lambda: clocks.seconds)
    memory.heard(NoticesLost(hearing=True))
    return memory


def _file(number: int = 0, size: int = 10) -> Servable:
    return Servable(State.LIVE, StoreKey(Sha256(f"{number:064x}")), size, Kind.FILE, number)


def _keep(
    memory: FileMemory,
    address: Address = HERE,
    file: Servable | None = None,
    *,
    projects: tuple[ProjectName, ...] = (DEMO,),
    until: datetime | None = None,
) -> None:
    with memory.asking() as asking:
        memory.keep(address, file or _file(), asking, projects=projects, until=until)


def test_what_was_kept_is_found(memory: FileMemory) -> None:
    """Also after notices that say nothing of it."""
    _keep(memory)
    memory.heard(PagesChanged((OTHER,)))
    memory.heard(JournalRead(Serial(1), NOW))
    memory.heard(BacklogGrew())

    assert memory.find(HERE) is not None
    assert memory.find(Address("/packages/there")) is None


@pytest.mark.parametrize("changed", [DEMO, OTHER])
def test_a_change_of_any_project_that_has_a_say_drops_it(memory: FileMemory, changed: ProjectName) -> None:
    """Of the one that lists it and of the one that might."""
    _keep(memory, projects=(DEMO, OTHER))
    _keep(memory, Address("/packages/there"), projects=(ProjectName("third"),))

    memory.heard(PagesChanged((changed,)))

    assert memory.find(HERE) is None
    assert memory.find(Address("/packages/there")) is not None


def test_what_was_read_before_a_change_is_not_kept_after_it(memory: FileMemory) -> None:
    """A reader that a notice overtook may have seen what is true no more."""
    with memory.asking() as overtaken, memory.asking() as untouched:
        memory.heard(PagesChanged((DEMO,)))
        memory.keep(HERE, _file(), overtaken, projects=[DEMO], until=None)
        memory.keep(Address("/packages/there"), _file(), untouched, projects=[OTHER], until=None)

    assert memory.find(HERE) is None
    assert memory.find(Address("/packages/there")) is not None


def test_nothing_is_kept_over_lost_notices(memory: FileMemory) -> None:
    """Neither what was there nor what is being read."""
    _keep(memory)
    with memory.asking() as asking:
        memory.heard(NoticesLost(hearing=True))
        memory.keep(Address("/packages/there"), _file(), asking, projects=[DEMO], until=None)

    assert memory.find(HERE) is None
    assert memory.find(Address("/packages/there")) is None
    assert memory.held_bytes == 0


def test_nothing_is_found_or_kept_while_nothing_can_be_heard(memory: FileMemory) -> None:
    """Then the catalog has to be asked; as before the first notice of all."""
    memory.heard(NoticesLost(hearing=False))
    _keep(memory)
    unheard = memory.find(HERE)
    memory.heard(NoticesLost(hearing=True))

    assert unheard is None
    assert memory.find(HERE) is None
    assert not FileMemory(budget=2**20, now=lambda: NOW).is_hearing


def test_a_state_ends_by_the_clock(memory: FileMemory, clocks: Clocks) -> None:
    """Without anybody having said so."""
    _keep(memory, until=NOW + timedelta(hours=1))
    before = memory.find(HERE)
    clocks.now += timedelta(hours=1)

    assert before is not None
    assert memory.find(HERE) is None


def test_nothing_is_believed_for_long(memory: FileMemory, clocks: Clocks) -> None:
    """A minute later the catalog is asked again, whatever was not heard."""
    _keep(memory)
    clocks.seconds = 59.0
    before = memory.find(HERE)
    clocks.seconds = 61.0

    assert before is not None
    assert memory.find(HERE) is None
    assert memory.held_bytes == 0


def test_many_different_files_take_no_more_than_the_budget(memory: FileMemory) -> None:
    """Those not asked for longest go first; large ones count without their bytes."""
    for number in range(1_000):
        _keep(memory, Address(f"/packages/{number}"), _file(number, size=20_000))
        assert memory.find(Address("/packages/0")) is not None
        assert memory.held_bytes <= 2**20
    _keep(memory, Address("/packages/large"), _file(1, size=2**40))

    assert memory.find(Address("/packages/999")) is not None
    assert memory.find(Address("/packages/1")) is None
    assert memory.find(Address("/packages/large")) is not None


def test_what_is_larger_than_all_of_the_memory_is_not_held() -> None:
    """And leaves nothing behind."""
    memory = FileMemory(budget=LARGEST_SMALL, now=lambda: NOW)
    memory.heard(NoticesLost(hearing=True))

    _keep(memory, file=_file(size=LARGEST_SMALL))

    assert memory.find(HERE) is None
    assert memory.held_bytes == 0
    assert memory._of_project == {}


def test_keeping_again_counts_once(memory: FileMemory) -> None:
    """As when many ask for the same file at the same time."""
    _keep(memory)
    held = memory.held_bytes
    _keep(memory)

    assert memory.held_bytes == held
