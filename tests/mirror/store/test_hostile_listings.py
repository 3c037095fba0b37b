"""A bucket's server that lists nonsense is refused, not believed and not followed for ever."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from mirror.errors import StoreError
from mirror.store.s3.bucket import Bucket, Limits

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class _Lister:
    """Answers every request for a listing with the next of these pages, the last one again and again."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = list(pages)
        self.asked: list[str] = []

    def list_objects_v2(self, *, StartAfter: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        self.asked.append(StartAfter)
        page = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        return (
            {"IsTruncated": True, "Contents": [{"Key": key, "Size": 1} for key in page]}
            if page
            else {"IsTruncated": True}
        )


async def _listed(lister: _Lister) -> AsyncIterator[str]:
    with ThreadPoolExecutor(1) as pool:
        bucket = Bucket(cast("S3Client", lister), pool, "s3://bucket/below", Limits())
        async for listed in bucket.list("files/"):
            yield listed.path


@pytest.mark.parametrize(
    "pages",
    [
        [["below/files/a"], ["below/files/a"]],
        [["below/files/b"], ["below/files/a"]],
        [["below/files/a"], []],
        [[]],
    ],
    ids=["the same", "backwards", "nothing more", "nothing at all"],
)
async def test_a_listing_that_does_not_get_on_is_given_up(pages: list[list[str]]) -> None:
    """A server that heeds no beginning would otherwise be asked without end."""
    lister = _Lister(*pages)

    with pytest.raises(StoreError, match="without getting on"):
        async for _ in _listed(lister):
            pass

    assert len(lister.asked) == len(pages)
