from collections.abc import AsyncIterator

import pytest

from mirror.setting_sections import Upstream
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, canned_upstream


@pytest.fixture
async def upstream() -> AsyncIterator[CannedUpstream]:
    async with canned_upstream() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[UpstreamSession]:
    async with UpstreamSession(Upstream(contact="ops@example.org")) as entered:
        yield entered
