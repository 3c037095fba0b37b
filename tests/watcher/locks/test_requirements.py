"""Requirements files, read into pins as pip reads them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.names import ProjectName, Sha256
from watcher.locks import Pin
from watcher.locks.reading import LockError, read_lock

A, B = Sha256("a" * 64), Sha256("b" * 64)


def pin(version: str | None, digest: Sha256 | None = None, *, line: int = 1, index: str | None = None) -> Pin:
    """A pin of the project `demo`."""
    return Pin(ProjectName("demo"), version, None, digest, f"r.txt:{line}", index)


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("demo==1.0", [pin("1.0")]),
        ("Demo [extra] == 1.0 ; python_version > '3'  # why", [pin("1.0")]),
        ("demo (==1.0)", [pin("1.0")]),
        ("demo==1.0,>=0.9", [pin("1.0")]),
        ("demo===2004d", [pin("2004d")]),
        (f"demo==1.0 --hash=sha256:{A} --hash sha256:{B.upper()}", [pin("1.0", A), pin("1.0", B)]),
        (f"# top\ndemo==1 \\\n  --hash=sha256:{A} \\\n  --hash=sha256:{B}", [pin("1", A, line=2), pin("1", B, line=2)]),
        (f"demo==1.0 \\\n  --hash=sha256:{A}\n# via \\\ndemo==1.0", [pin("1.0", A), pin("1.0", line=4)]),
        (f"demo==1.0\t--hash=sha512:{A}{A}", [pin("1.0")]),
        (f"demo>=1 --hash=sha256:{A}", [pin(None, A)]),
        ("demo==1.0\ndemo == 1.0.0\n", [pin("1.0")]),
        ("demo==1.0 # a\\\ndemo==2.0", [pin("1.0")]),
        ("--pre\n--no-binary :all:\ndemo==1.0", [pin("1.0", line=3)]),
    ],
)  # fmt: skip
def test_exact_versions_and_hashes_are_pins(text: str, pins: list[Pin]) -> None:
    """With the line where each begins; the same one once."""
    assert list(read_lock("r.txt", text.encode()).pins) == pins


@pytest.mark.parametrize(
    ("line", "name", "why"),
    [
        ("demo", "demo", "not pinned to one version"),
        ("demo>=1,<2", "demo", "not pinned to one version"),
        ("demo==1.*", "demo", "not pinned to one version"),
        ("demo @ https://files.example.org/demo.whl#sha256=00", "demo", "comes from a URL, not from an index"),
        ("demo @ git+https://example.org/demo", "demo", "comes from a repository, not from an index"),
        ("git+https://me:word@example.org/d#egg=demo", "demo", "comes from a repository, not from an index"),
        ("https://me:word@example.org/d.whl", "https://example.org/d.whl", "comes from a URL, not from an index"),
        ("./demo[extra]", "./demo[extra]", "comes from a file or directory, not from an index"),
        ("wheels/demo-1.0-py3-none-any.whl", "wheels/demo-1.0-py3-none-any.whl", "comes from a file or directory"),
        ("demo-1.0.tar.gz", "demo-1.0.tar.gz", "comes from a file or directory, not from an index"),
        ("-e .", ".", "is installed from where it is edited"),
        ("--editable=git+https://u:p@example.org/d#egg=demo", "demo", "is installed from where it is edited"),
        ("${DEMO}==1.0", "${DEMO}==1.0", "names an environment variable"),
    ],
)
def test_what_is_no_pin_is_left_out_with_the_reason(line: str, name: str, why: str) -> None:
    """And without anybody's password."""
    lock = read_lock("r.txt", b"first==1\n" + line.encode())

    assert len(lock.pins) == 1
    (left,) = lock.left_out
    assert (left.source, left.name) == ("r.txt:2", name)
    assert left.why.startswith(why)


@pytest.mark.parametrize(
    ("options", "index"),
    [
        ("", None),
        ("-i https://me:word@index.example.org/simple/?x=1", "https://index.example.org/simple/"),
        ("--index-url=https://${USER}:${WORD}@index.example.org/s", "https://index.example.org/s"),
        ("--index-url https://a.example.org -i 'https://b.example.org/s'", "https://b.example.org/s"),
        ("--index-url https://a.example.org --extra-index-url https://b.example.org", None),
        ("--index-url https://a.example.org\n-f ./wheels", None),
    ],
)
def test_the_only_index_is_that_of_all_pins(options: str, index: str | None) -> None:
    """Wherever it stands; among several nobody can say which one delivers."""
    assert read_lock("r.txt", f"demo==1.0\n{options}\n".encode()).pins == (pin("1.0", index=index),)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_understood(encoding: str) -> None:
    """Some shells write no other files."""
    assert read_lock("r.txt", "demo==1.0\r\n# ünused\r\n".encode(encoding)).pins == (pin("1.0"),)


FILES = {
    "base.txt": b"base==1\n-c ../constraints.txt\n",
    "sub/more.txt": b"more==2\n-rmost.txt\n-r ../base.txt\n",
    "sub/most.txt": b"most==3\n",
    "../constraints.txt": b"limited==4\nloose>=1\n",
}


def opened(path: str) -> bytes:
    """One of these files."""
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[path]


@pytest.mark.parametrize("directory", ["", "deploy/", "/deploy/here/"])
def test_files_that_are_named_are_read_too(directory: str) -> None:
    """By their path from the one that names them, each once; and what constraints pin is pinned."""
    content = b"first==0\n--requirement=base.txt\n-r 'sub/more.txt'\n-r base.txt\n"

    lock = read_lock(f"{directory}r.txt", content, beside=opened)

    outer = {"": "../", "deploy/": "", "/deploy/here/": "/deploy/"}[directory]
    assert [(pin.project, pin.source) for pin in lock.pins] == [
        ("first", f"{directory}r.txt:1"),
        ("base", f"{directory}base.txt:1"),
        ("limited", f"{outer}constraints.txt:1"),
        ("more", f"{directory}sub/more.txt:1"),
        ("most", f"{directory}sub/most.txt:1"),
    ]
    assert lock.projects == ("base", "first", "limited", "loose", "more", "most")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\n-r none.txt", "r.txt, line 2: none.txt cannot be read: No such file or directory"),
        (b"-r https://example.org/r.txt", "r.txt, line 1: only files are followed, not URLs"),
        (b"-r r.txt", "r.txt, line 1: r.txt names itself in the end"),
        (b"-r ./x/../r.txt", "r.txt, line 1: ./x/../r.txt names itself in the end"),
    ],
)
def test_what_cannot_be_followed_is_told(content: bytes, said: str) -> None:
    """With the line that names it."""
    with pytest.raises(LockError) as refused:
        read_lock("r.txt", content, beside=opened)

    assert str(refused.value) == said


def test_files_cannot_name_each_other_without_end() -> None:
    """However often the name changes, and however many each names."""
    with pytest.raises(LockError, match="more than 20 files name each other"):
        read_lock("0", b"-r 1\n", beside=lambda path: f"-r {int(path) + 1}\n-r {int(path) + 2}\n".encode())


names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
versions = st.builds("{}.{}{}".format, st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "rc1", ".post2"]))
digests = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), max_size=4, unique=True)


@given(st.dictionaries(names, st.tuples(versions, digests), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read(demanded: dict[str, tuple[str, list[str]]], end: str) -> None:
    """Every version and every hash of generated files, however lines end."""
    text = ""
    for name, (version, hashes) in demanded.items():
        words = [f"{name}=={version}", *(f"--hash=sha256:{digest}" for digest in hashes)]
        text += f"# about {name}{end}" + f" \\{end}    ".join(words) + end

    lock = read_lock("r.txt", text.encode())

    expected: set[tuple[str, str, str | None]] = {(n, v, None) for n, (v, hashes) in demanded.items() if not hashes}
    expected |= {(n, v, digest) for n, (v, hashes) in demanded.items() for digest in hashes}
    assert {(pin.project, pin.version, pin.sha256) for pin in lock.pins} == expected
    assert not lock.left_out
