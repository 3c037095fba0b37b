"""What a mirror takes of memory has a bound, however large a file is and however many pages are asked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.size.memory import HEADING, Measured, large_file, many_files, many_pages, measured, report

_MB = 1_000_000


@pytest_asyncio.fixture
async def small(reachable_tmp_path: Path) -> AsyncIterator[Measured]:
    """A mirror that may keep 8 MiB of pages ready."""
    async with measured(reachable_tmp_path, mirror__memory="8MiB") as one:
        yield one


async def test_files_pass_through_without_being_held(small: Measured) -> None:
    """A file of 200 MB, cold and warm, and eight clients with 40 MB each take a few buffers, no file's size."""
    await large_file(small, size=200 * _MB)
    await many_files(small, files=4, size=10 * _MB, clients=8)

    assert max(taken.growth for taken in small.taken) < 60 * _MB, HEADING + report(small.taken)


async def test_pages_beyond_the_bound_are_not_held(small: Measured) -> None:
    """Pages that would fill many times what may be kept ready: no walk over them takes much more than that."""
    await many_pages(small, projects=300, files=60, clients=4)

    assert max(taken.growth for taken in small.taken) < 30 * _MB, HEADING + report(small.taken)
