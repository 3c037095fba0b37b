"""Which version a filename on a project page belongs to."""

import pytest
from packaging.utils import canonicalize_name

from mirror.upstream.versions import Versions

LISTED = ["1.0", "1.0.1", "2.0.post1", "3.0-final", "1.0+local.1"]


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("foo_bar-1.0-py3-none-any.whl", "1.0"),
        ("foo_bar-1.0.0-py3-none-any.whl", "1.0"),
        ("foo_bar-1.0-1build-py3-none-any.whl", "1.0"),
        ("foo_bar-1.0+local.1-py3-none-any.whl", "1.0+local.1"),
        ("foo_bar-1.0_local.1-py3-none-any.whl", "1.0+local.1"),
        ("foo_bar-4.0-py3-none-any.whl", "4.0"),
        ("foo_bar-4.00-py3-none-any.WHL", "4.0"),
        ("foo_bar-1.0-py3.whl", None),
        ("foo_bar-what-py3-none-any.whl", None),
        ("foo_bar-1.0.tar.gz", "1.0"),
        ("Foo.Bar-1.0.tar.gz", "1.0"),
        ("foo-bar-1.0.zip", "1.0"),
        ("foo-bar-1.0.1.tar.bz2", "1.0.1"),
        ("foo-bar-2.0-1.tar.gz", "2.0.post1"),
        ("foo-bar-3.0-final.zip", "3.0-final"),
        ("foo_bar-5.tar.gz", "5"),
        ("foo_bar-1.0-py2.7.egg", "1.0"),
        ("foo_bar-1.0_local.1-py2.7.egg", "1.0+local.1"),
        ("foo-bar-1.0.1.win32-py2.7.exe", "1.0.1"),
        ("foo-bar-1.0.win-amd64.exe", "1.0"),
        ("foo-bar-1.0.linux-x86_64.tar.gz", "1.0"),
        ("foo-bar-1.0-1.noarch.rpm", "1.0"),
        ("foo_bar-9-x.tar.gz", None),
        ("other-1.0.tar.gz", None),
        ("foo-bar.tar.gz", None),
        ("foo-bar-.zip", None),
        ("README.txt", None),
        (".tar.gz", None),
    ],
)
def test_a_filename_tells_its_version_or_nothing(filename: str, version: str | None) -> None:
    """Wheels and sdists by their own rules, older kinds by the versions that the page lists; never a guess."""
    assert Versions(canonicalize_name("foo-bar"), LISTED).of(filename) == version
