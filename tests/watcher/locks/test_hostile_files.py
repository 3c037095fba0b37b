"""Lock files of people who mean harm, and files that are none at all: refused in one sentence, or read, but never more.

Several of these would take minutes, or all memory, if somebody looked at them with less care.
"""

import os
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.locks.gathering import MOST_ENTRIES
from watcher.locks.reading import LARGEST, LockError, read_lock

NAMES = ["requirements.txt", "pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", ""]
WORDS = [
    "[[package]]", "[[packages]]", "[metadata]", "[metadata.files]", "[package.source]", "\n", "=", '"', "'", "{", "}",
    "[", "]", ",", ":", "name", "version", "files", "file", "hash", "wheels", "sdist", "source", "registry", "hashes",
    "url", "1.0", "sha256", "lock-version", '"1.0"', "created-by", "demo", "==", "===", "-r", "-c", "-e", "--hash",
    "--index-url", "\\\n", "#", ";", "@", "https://[", "\0", "\ud800", "é", "_meta", "default", "null", "1e999",
]  # fmt: skip


def reads_or_refuses(filename: str, content: bytes) -> None:
    """Whether the file is read, or refused in one line."""
    try:
        lock = read_lock(filename, content, beside=lambda _: content)
    except LockError as e:
        assert len(str(e).splitlines()) == 1  # noqa: PT017 -- most of what is generated is refused, but not all
        return
    for pin in lock.pins:
        assert pin.project in lock.projects


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(filename: str, content: bytes) -> None:
    """By all readers."""
    reads_or_refuses(filename, content)


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(WORDS) | st.text(string.printable, max_size=5), max_size=40))
def test_anything_that_looks_like_a_lock_is_read_or_refused(filename: str, words: list[str]) -> None:
    """The same, beyond the first character."""
    reads_or_refuses(filename, " ".join(words).encode(errors="surrogatepass"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from([*WORDS, "package", "packages"]), json_values))
def test_documents_of_any_shape_are_read_or_refused(filename: str, document: dict[str, object]) -> None:
    """As TOML, whose inline tables are nearly JSON, and as JSON."""
    text = _inline(document)
    lines = "\n".join(f"{_inline(key)} = {_inline(value)}" for key, value in document.items())

    reads_or_refuses(filename, text.replace(" = ", ": ").encode(errors="replace"))
    reads_or_refuses(filename, lines.encode(errors="replace"))


def _inline(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_inline(key)} = {_inline(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case str():
            return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 65536 else c for c in value) + '"'
        case _:
            return str(value).lower().replace("none", '"none"')


WIDE_WHEEL = f"a-1-{'.'.join(['a'] * 400)}-{'.'.join(['b'] * 400)}-{'.'.join(['c'] * 400)}.whl"


LONG = "line 1: the line is longer than 262,144 characters"
NONE = "is no name and no requirement"
DEEP_KEY = "a key has more than 10 parts"
BROKEN = "cannot be read as a lock file"
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "much": ("r.txt", lambda: b"x" * (LARGEST + 1), "is larger than 32 MiB"),
    "random": ("uv.lock", lambda: os.urandom(4096) * 1000, BROKEN),
    "bare key": ("uv.lock", lambda: b"a." * 2_000_000 + b"a=1", DEEP_KEY),
    "quoted key": ("uv.lock", lambda: b"[" + b"'a' ." * 1_000_000 + b"a]", DEEP_KEY),
    "key within": ("uv.lock", lambda: b"x = {" + rb'"\"" . ' * 1_000_000 + b"a=1}", DEEP_KEY),
    "many tables": ("uv.lock", lambda: b"".join(b"[a%d.b]\n" % n for n in range(160_000)), "more than 200,000 parts"),
    "deep array": ("uv.lock", lambda: b"x = " + b"[" * 1_000_000, "nested too deeply"),
    "long number": ("uv.lock", lambda: b"x = " + b"9" * 1_000_000, BROKEN),
    "deep json": ("Pipfile.lock", lambda: b'{"default": ' + b"[" * 1_000_000, "nested too deeply"),
    "long version": (
        "Pipfile.lock",
        lambda: b'{"default": {"a": {"version": "==' + b"9" * 1_000_000 + b'"}}}',
        "is no version of a",
    ),
    "long line": ("r.txt", lambda: b"a" * 1_000_000, LONG),
    "endless line": ("r.txt", lambda: b"a \\\n" * 200_000, LONG),
    "spaces before": ("r.txt", lambda: b" " * 200_000 + b"x y", NONE),
    "spaces between": ("r.txt", lambda: b"a" + b" " * 100_000 + b"b", "is longer than 8,192 characters"),
    "deep marker": ("r.txt", lambda: b"a; " + b"(" * 8_000, NONE),
    "long requirement": ("r.txt", lambda: b"a==" + b"9" * 8_000, "is no version of a"),
    "many lines": ("r.txt", lambda: b"-e a\n" * (MOST_ENTRIES + 1), "line 200001: more than 200,000 files are named"),
    "many tags": (
        "pylock.toml",
        lambda: b"packages = [{wheels = [{url = '" + WIDE_WHEEL.replace(".", "%2E").encode() + b"'}]}]",
        "is not a file's name",
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_would_take_too_long_is_refused(hostile: str) -> None:
    """Before anybody looks closer."""
    filename, content, said = HOSTILE[hostile]

    with pytest.raises(LockError, match=said) as refused:
        read_lock(filename, content())

    assert len(str(refused.value)) < 1500


def test_what_is_named_again_and_again_is_counted_each_time() -> None:
    """Thousands of packages of one name, each with the thousands of files that stand below that name."""
    packages = "".join("[[package]]\nname = 'a'\nversion = '1'\n" for _ in range(1000))
    files = ", ".join(f"{{file = 'a-1-{number}-py3-none-any.whl'}}" for number in range(1000))

    with pytest.raises(LockError, match="more than 200,000 files are named"):
        read_lock("poetry.lock", f"{packages}[metadata.files]\na = [{files}]".encode())


def test_each_file_is_read_once_however_often_it_is_named() -> None:
    """Twenty files that each name the next one twice are no million files."""
    opened: list[str] = []

    def beside(path: str) -> bytes:
        opened.append(path)
        number = int(path)
        return f"p{number}==1\n".encode() + (f"-r {number + 1}\n".encode() * 2 if number < 19 else b"")

    lock = read_lock("0", beside("0"), beside=beside)

    assert len(lock.pins) == 20
    assert sorted(opened, key=int) == [str(number) for number in range(20)]
