"""What a log shows of addresses that are secrets."""

import pytest

from mirror.web.masked import masked

HIDDEN = "Yx3-_kQ0Zb1hT7uVw9aLr5cMdNeOfPgQhRiSjTkUlVm"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/feed/locks/{HIDDEN}.atom", "/feed/locks/***.atom"),
        (f"/pkgs/feed/locks/{HIDDEN}/events?since=1-2&limit=3", "/pkgs/feed/locks/***/events"),
        (f"/feed/locks/{HIDDEN}.rdf?x", "/feed/locks/***"),
        (f"/feed/locks/{HIDDEN}/", "/feed/locks/***"),
        (f"/api/v1/locks/{HIDDEN}", "/api/v1/locks/***"),
        ("/api/v1/locks?webhook=https://hooks.example.org/secret", "/api/v1/locks/***"),
        (f"/feed/%6c%6Fcks/{HIDDEN[:9]}%41{HIDDEN[9:]}.json", "/feed/locks/***.json"),
        (f"//feed//locks//{HIDDEN}.rss", "//feed//locks/***.rss"),
        (f"/feed/./x/../locks/{HIDDEN}.atom", "/feed/./x/../locks/***.atom"),
        (f"/feed%2Flocks%2F{HIDDEN}", "/feed/locks/***"),
        (f"/Feed/LOCKS%252f{HIDDEN}", "/Feed/LOCKS/***"),
        (f"/feed/locks.atom?token={HIDDEN}", "/feed/locks/***.atom"),
    ],
)
def test_of_a_private_address_the_token_is_not_shown(path: str, shown: str) -> None:
    """However it is spelt, also by mistake; and of what stands behind it only the form."""
    assert masked(path) == shown
    assert HIDDEN[:5] not in masked(path)


@pytest.mark.parametrize("path", ["/simple/locks/", "/feed/deletions.atom?project=locks", "/api/v1/locks", "/%zz", ""])
def test_other_paths_are_shown_as_they_came(path: str) -> None:
    """Also those of a project of that name."""
    assert masked(path) == path
