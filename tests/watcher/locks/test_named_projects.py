"""The projects that lists, requirements files and lock files name."""

import pytest

from watcher.locks.reading import LockError, read_lock

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
created-by = "somebody"
[[packages]]
name = "attrs"
version = "25.1.0"
wheels = [{url = "https://files.example.org/attrs-25.1.0-py3-none-any.whl", hashes = {md5 = "00"}}]
[[packages]]
name = "ours"
vcs = { type = "git", url = "https://git.example.org/ours", commit-id = "0123" }
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
PDM_LOCK = b"""[metadata]
lock_version = "4.5.0"
[[package]]
name = "Jinja2"
version = "3.1"
[[package]]
name = "ours"
path = "./ours"
"""
PIPFILE_LOCK = b"""{"_meta": {"hash": {}}, "default": {"click": {"version": "==8.0"}, "ours": {"path": "."}},
 "develop": {"pytest": {}}}"""


@pytest.mark.parametrize(
    ("filename", "content", "names"),
    [
        ("requirements.txt", REQUIREMENTS, ("flask", "requests", "zope-interface")),
        ("requirements.lock", REQUIREMENTS, ("flask", "requests", "zope-interface")),
        ("names", b"Flask\n\n  Django_CMS  \n", ("django-cms", "flask")),
        ("pylock.toml", PYLOCK, ("attrs",)),
        ("pylock.dev.toml", PYLOCK, ("attrs",)),
        ("uv.lock", UV_LOCK, ("anyio",)),
        ("poetry.lock", POETRY_LOCK, ("jinja2",)),
        ("pdm.lock", PDM_LOCK, ("jinja2",)),
        ("Pipfile.lock", PIPFILE_LOCK, ("click", "pytest")),
        ("empty.txt", b"", ()),
        ("options.txt", b"--index-url=https://index.example.org/simple\nflask==1\n", ("flask",)),
        ("uv.lock", b"version = 1\nrevision = 5\nrequires-python = '>=3.11'\n", ()),
        ("pdm.lock", b"[metadata]\ngroups = ['default']\nlock_version = '4.5.0'\n", ()),
    ],
)
def test_names_are_read(filename: str, content: bytes, names: tuple[str, ...]) -> None:
    """Each once and normalised; what does not come from an index is left out."""
    assert read_lock(filename, content).projects == names


@pytest.mark.parametrize("content", [PYLOCK, UV_LOCK, POETRY_LOCK, PDM_LOCK, PIPFILE_LOCK, REQUIREMENTS])
@pytest.mark.parametrize("filename", ["", "upload", "sent.txt"])
def test_a_file_without_a_name_is_known_by_its_content(filename: str, content: bytes) -> None:
    """As if it had been called what its format is called."""
    named = {PYLOCK: "pylock.toml", UV_LOCK: "uv.lock", POETRY_LOCK: "poetry.lock", PDM_LOCK: "pdm.lock"}
    named |= {PIPFILE_LOCK: "Pipfile.lock", REQUIREMENTS: "requirements.txt"}

    assert read_lock(filename, content).projects == read_lock(named[content], content).projects


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("list.txt", b"flask\n???\n", "list.txt, line 2: '???' is no name and no requirement"),
        ("list.txt", b"flask ==\n", "list.txt, line 1: 'flask ==' is no name and no requirement"),
        (
            "list.txt",
            b"-r other.txt\n",
            "list.txt, line 1: another file is named, which is not at hand here; put its lines in its place",
        ),
        ("list.txt", b"flask \\\n", "list.txt, line 1: the line goes on, but the file ends"),
        ("list.txt", b"\xff", "list.txt is not UTF-8 text"),
        ("list.txt", b"\xff\xfea", "list.txt is not UTF-16 text"),
        ("list.txt", b"-r\n", "list.txt, line 1: -r names nothing"),
        ("list.txt", b'-r "x\n', "list.txt, line 1: a quotation does not end"),
        ("list.txt", b"a==1 --hash=sha256:00", "list.txt, line 1: '00' is not a sha256"),
        ("list.txt", b"a==1 --hash 00", "list.txt, line 1: '00' is no hash"),
        ("list.txt", b"a===1~2", "list.txt, line 1: '1~2' is no version of a"),
        ("uv.lock", b"version = 1", "uv.lock is no lock file: it names no packages"),
        ("poetry.lock", b"[metadata]", "poetry.lock is no lock file: it names no packages"),
        ("Pipfile.lock", b"{}", "Pipfile.lock is no lock file: it names no packages"),
        ("uv.lock", b"[[package]]\nname = '../x'", "uv.lock: '../x' is not a project's name"),
        ("uv.lock", b"[[package]]\nname = 'x'\nversion = 'a b'", "uv.lock: 'a b' is no version of x"),
        (
            "uv.lock",
            b"[[package]]\nname = 'x'\nversion = '1'\nsdist = { url = 'https://example.org/%2Fx', hash = 'sha256:0' }",
            "uv.lock: '/x' is not a file's name",
        ),
        ("pylock.toml", b"lock-version = '2'", "pylock.toml cannot be read as a lock file: Missing required value in"),
        ("", b"???", "the file, line 1: '???' is no name and no requirement"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(filename: str, content: bytes, said: str) -> None:
    """One sentence, so that the line can be mended."""
    with pytest.raises(LockError) as refused:
        read_lock(filename, content)

    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("uv.lock", b"[["),
        ("uv.lock", b"\xff"),
        ("pylock.toml", b"packages = 1"),
        ("Pipfile.lock", b"[]"),
        ("Pipfile.lock", b"{"),
        ("Pipfile.lock", b'{"default": {"a": []}}'),
    ],
)
def test_a_broken_lock_file_is_refused(filename: str, content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(LockError, match="cannot be read as a lock file"):
        read_lock(filename, content)
