"""The projects that lists, requirements files and lock files name."""

import pytest

from mirror.errors import StartError
from watcher.listed_names import names_in

REQUIREMENTS = b"""# what we run
Flask
requests[socks] >= 2.31 ; python_version > "3"   # pinned elsewhere
--index-url https://index.example.org/simple/
zope.interface==6.0 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000 \\
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
-e ./ours
ours @ https://files.example.org/ours-1.0.tar.gz

flask
"""
PYLOCK = b"""lock-version = "1.0"
[[packages]]
name = "attrs"
version = "25.1.0"
[[packages]]
name = "ours"
vcs = { type = "git", url = "https://git.example.org/ours" }
"""
UV_LOCK = b"""version = 1
[[package]]
name = "anyio"
version = "4.0"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "ours"
source = { editable = "." }
"""
POETRY_LOCK = b"""[[package]]
name = "Jinja2"
version = "3.1"
[[package]]
name = "ours"
[package.source]
type = "git"
url = "https://git.example.org/ours"
"""
PIPFILE_LOCK = b"""{"_meta": {"hash": {}}, "default": {"click": {"version": "==8.0"}, "ours": {"path": "."}},
 "develop": {"pytest": {}}}"""


@pytest.mark.parametrize(
    ("filename", "content", "names"),
    [
        ("requirements.txt", REQUIREMENTS, ("flask", "requests", "zope-interface")),
        ("names", b"Flask\n\n  Django_CMS  \n", ("django-cms", "flask")),
        ("pylock.toml", PYLOCK, ("attrs",)),
        ("pylock.dev.toml", PYLOCK, ("attrs",)),
        ("uv.lock", UV_LOCK, ("anyio",)),
        ("poetry.lock", POETRY_LOCK, ("jinja2",)),
        ("Pipfile.lock", PIPFILE_LOCK, ("click", "pytest")),
        ("empty.txt", b"", ()),
    ],
)
def test_names_are_read(filename: str, content: bytes, names: tuple[str, ...]) -> None:
    """Each once and normalised; what does not come from an index is left out."""
    assert names_in(filename, content) == names


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("list.txt", b"flask\n???\n", "list.txt, line 2: '???' is no name and no requirement"),
        ("list.txt", b"flask\n./dir\n", "list.txt, line 2: './dir' is no name and no requirement"),
        ("list.txt", b"-r other.txt\n", "list.txt, line 1: other files are not followed; import them one by one"),
        ("list.txt", b"flask \\\n", "list.txt, line 1: the line goes on, but the file ends"),
        ("list.txt", b"\xff\xfe", "list.txt is not UTF-8 text"),
        ("uv.lock", b"version = 1", "uv.lock is no lock file: it names no packages"),
        ("uv.lock", b"[[package]]\nname = '../x'", "uv.lock: '../x' is not a project's name"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(filename: str, content: bytes, said: str) -> None:
    """One sentence, so that the line can be mended."""
    with pytest.raises(StartError) as refused:
        names_in(filename, content)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("uv.lock", b"[["),
        ("uv.lock", b"\xff"),
        ("pylock.toml", b"packages = 1"),
        ("Pipfile.lock", b"[]"),
        ("Pipfile.lock", b"{"),
    ],
)
def test_a_broken_lock_file_is_refused(filename: str, content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(StartError, match="cannot be read as a lock file"):
        names_in(filename, content)
