"""Which names are an operator's own."""

import pytest
from packaging.utils import canonicalize_name

from mirror.errors import PrivateNameError
from mirror.setting_sections import Upstream
from mirror.upstream.index import Index
from mirror.upstream.private import PrivateNames
from mirror.upstream.session import UpstreamSession
from tests.mirror.upstream.canned_upstream import CannedUpstream, page, says


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("acme", "acme"),
        ("Acme_*", "acme-core"),
        ("acme.*", "acme-core-utils"),
        ("acme-*", "acme-"),
        ("*-internal", "billing-internal"),
        ("*acme*", "my-acme-tool"),
        ("*acme*", "acme"),
        ("a**b", "ab"),
        ("a-*-b", "a-x-b"),
        ("*", "anything"),
    ],
)
def test_a_pattern_means_normalised_names(pattern: str, name: str) -> None:
    """However the separators and the case are written; a star stands for anything."""
    assert name in PrivateNames(["other", pattern])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("acme-*", "acme"), ("acme-*", "acmecore"), ("acme", "acme-core"), ("acme", "my-acme"), ("a-*-b", "a-b")],
)
def test_what_a_pattern_does_not_match_is_not_private(pattern: str, name: str) -> None:
    """It has to match the whole name."""
    assert name not in PrivateNames([pattern])


def test_without_patterns_nothing_is_private() -> None:
    """Not even the empty name."""
    assert not PrivateNames()
    assert "" not in PrivateNames()


async def test_the_index_is_not_asked_for_a_private_name(upstream: CannedUpstream) -> None:
    """The refusal says by which setting, and is no word on whether the index has such a project."""
    upstream.answers["/simple/acme-core/"] = says(page(name="acme-core"))
    settings = Upstream(index_url=f"{upstream.url}/simple/", private_names=("acme_*",))

    async with UpstreamSession(settings) as session:
        with pytest.raises(PrivateNameError, match=r"upstream\.private_names"):
            await Index(session, settings.index_url).page(canonicalize_name("acme-core"))

    assert upstream.asked == []
