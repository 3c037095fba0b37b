"""Lock files of each tool, read into pins."""

from dataclasses import astuple

import pytest

from watcher.locks import Lock
from watcher.locks.reading import LockError, read_lock

A, B, C = "a" * 64, "b" * 64, "c" * 64
WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"
HOST = "https://files.example.org/packages/aa"
INDEX = "https://index.example.org/simple/"


def short(lock: Lock) -> list[tuple[object, ...]]:
    """The pins without their sources, which are the file's name."""
    return [(name, version, file, digest, index) for name, version, file, digest, _, index in map(astuple, lock.pins)]


def test_uv_locks_name_every_file_and_its_registry() -> None:
    """A version alone where no file is named; another kind of hash is as good as none."""
    lock = read_lock(
        "deploy/uv.lock",
        f"""version = 1
        [[package]]
        name = "demo"
        version = "1.0"
        source = {{ registry = "https://me:word@index.example.org/simple/" }}
        sdist = {{ url = "{HOST}/{SDIST}?x=/y#z", hash = "sha256:{A}", size = 9 }}
        wheels = [
            {{ url = "{HOST}/demo-1.0%2Blocal-py3-none-any.whl", hash = "sha512:{A}{A}" }},
            {{ filename = "{WHEEL}", hash = "sha256:{B}" }},
        ]
        [[package]]
        name = "bare"
        version = "2"
        source = {{ registry = "{INDEX}" }}
        [[package]]
        name = "near"
        version = "3"
        source = {{ registry = "../wheels" }}
        [[package]]
        name = "hosted"
        source = {{ url = "{HOST}/x.whl" }}
        [[package]]
        name = "cloned"
        source = {{ git = "https://git.example.org/x?rev=1#2" }}
        [[package]]
        name = "ours"
        source = {{ virtual = "." }}
        """.encode(),
    )

    assert short(lock) == [
        ("demo", "1.0", SDIST, A, INDEX),
        ("demo", "1.0", "demo-1.0+local-py3-none-any.whl", None, INDEX),
        ("demo", "1.0", WHEEL, B, INDEX),
        ("bare", "2", None, None, INDEX),
    ]
    assert {pin.source for pin in lock.pins} == {"deploy/uv.lock"}
    assert [(left.name, left.why.split()[2]) for left in lock.left_out] == [
        ("near", "a"),
        ("hosted", "a"),
        ("cloned", "a"),
        ("ours", "a"),
    ]
    assert lock.projects == ("bare", "demo")


POETRY_2 = f"""
[[package]]
name = "demo"
version = "1.0"
files = [{{file = "{SDIST}", hash = "sha256:{A}"}}, {{file = "{WHEEL}", hash = "md5:00"}}]
[package.source]
type = "legacy"
url = "https://index.example.org/simple"
reference = "ours"
[metadata]
content-hash = "00"
"""
POETRY_1 = f"""
[[package]]
name = "Demo"
version = "1.0"
[[package]]
name = "demo"
version = "2.0"
[[package]]
name = "bare"
version = "3.0"
[metadata.files]
bare = []
Demo = [
  {{file = "{SDIST}", hash = "sha256:{A}"}},
  {{file = "demo-2.0.tar.gz", hash = "sha256:{B}"}},
  {{file = "demo-latest.exe", hash = "sha256:{C}"}},
]
"""
PDM = f"""
[metadata]
lock_version = "4.5.0"
[[package]]
name = "demo"
version = "1.0"
files = [{{url = "{HOST}/{WHEEL}", hash = "sha256:{A}"}}, {{file = "{SDIST}", hash = "sha256:{B}"}}]
[[package]]
name = "demo"
version = "1.0"
extras = ["more"]
files = [{{url = "{HOST}/{WHEEL}", hash = "sha256:{A}"}}]
[[package]]
name = "hosted"
version = "1"
url = "{HOST}/hosted.whl"
[[package]]
name = "cloned"
version = "1"
git = "https://git.example.org/x"
"""
OLD_PDM = f"""
[[package]]
name = "demo"
version = "1.0"
[metadata.files]
"Demo 1.0" = [{{file = "demo-1.0b.tar.gz", hash = "sha256:{A}"}}]
"demo 2.0" = [{{file = "{SDIST}", hash = "sha256:{B}"}}]
"""


@pytest.mark.parametrize(
    ("filename", "text", "pins"),
    [
        (
            "poetry.lock",
            POETRY_2,
            [
                ("demo", "1.0", SDIST, A, "https://index.example.org/simple"),
                ("demo", "1.0", WHEEL, None, "https://index.example.org/simple"),
            ],
        ),
        (
            "poetry.lock",
            POETRY_1,
            [
                ("demo", "1.0", SDIST, A, None),
                ("demo", "1.0", "demo-latest.exe", C, None),
                ("demo", "2.0", "demo-2.0.tar.gz", B, None),
                ("demo", "2.0", "demo-latest.exe", C, None),
                ("bare", "3.0", None, None, None),
            ],
        ),
        ("pdm.lock", PDM, [("demo", "1.0", WHEEL, A, None), ("demo", "1.0", SDIST, B, None)]),
        ("pdm.lock", OLD_PDM, [("demo", "1.0", "demo-1.0b.tar.gz", A, None)]),
    ],
)
def test_files_are_found_beside_packages_and_below_all_of_them(
    filename: str, text: str, pins: list[tuple[object, ...]]
) -> None:
    """As each version of Poetry and PDM wrote them. What stood below the name alone goes by the version it names."""
    assert short(read_lock(filename, text.encode())) == pins


def test_pylocks_are_read_as_the_specification_has_them() -> None:
    """The version is that of the files where it is let out; files of this machine are none of an index."""
    lock = read_lock(
        "pylock.prod.toml",
        f"""lock-version = "1.0"
        created-by = "somebody"
        [[packages]]
        name = "demo"
        index = "{INDEX}"
        sdist = {{ name = "{SDIST}", url = "{HOST}/elsewise.tar.gz", hashes = {{ sha256 = "{A}" }} }}
        [[packages.wheels]]
        url = "{HOST}/{WHEEL}"
        hashes = {{ sha512 = "{A}{A}" }}
        [[packages]]
        name = "near"
        version = "1"
        wheels = [{{ path = "./wheels/near-1-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]
        [[packages]]
        name = "hosted"
        archive = {{ url = "{HOST}/x.zip", hashes = {{ sha256 = "{A}" }} }}
        """.encode(),
    )

    assert short(lock) == [("demo", "1.0", SDIST, A, INDEX), ("demo", "1.0", WHEEL, None, INDEX)]
    assert [(left.name, left.why) for left in lock.left_out] == [
        ("near", "comes from a file or directory, not from an index"),
        ("hosted", "comes from a URL, not from an index"),
    ]


def test_a_pylock_against_the_specification_is_refused() -> None:
    """A wheel of another project for instance."""
    text = f"""lock-version = "1.0"
    created-by = "somebody"
    packages = [{{ name = "other", wheels = [{{ url = "{HOST}/{WHEEL}", hashes = {{ sha256 = "{A}" }} }}] }}]
    """

    with pytest.raises(LockError, match=r"not consistent with package name 'other' in 'packages\[0\].wheels\[0\]'"):
        read_lock("pylock.toml", text.encode())


def test_pipfile_locks_name_hashes_and_indexes() -> None:
    """The first index where none is named; all categories count."""
    lock = read_lock(
        "Pipfile.lock",
        f"""{{
        "_meta": {{"sources": [
            {{"name": "main", "url": "https://${{USER}}:word@index.example.org/simple/", "verify_ssl": true}},
            {{"name": "other", "url": "https://other.example.org/"}}
        ]}},
        "default": {{
            "demo": {{"hashes": ["sha256:{A}", "sha256:{B}", "md5:00"], "version": "==1.0", "index": "other"}},
            "bare": {{"version": "==2.0.0"}},
            "loose": {{"version": "*"}},
            "cloned": {{"git": "https://git.example.org/x", "ref": "00"}},
            "ours": {{"editable": true, "path": "."}},
            "hosted": {{"file": "{HOST}/x.whl"}}
        }},
        "docs": {{"demo": {{"hashes": ["sha256:{C}"], "version": "==1.1"}}}}
        }}""".encode(),
    )

    assert short(lock) == [
        ("demo", "1.0", None, A, "https://other.example.org/"),
        ("demo", "1.0", None, B, "https://other.example.org/"),
        ("bare", "2.0.0", None, None, INDEX),
        ("demo", "1.1", None, C, INDEX),
    ]
    assert [left.name for left in lock.left_out] == ["loose", "cloned", "ours", "hosted"]
    assert lock.projects == ("bare", "demo", "loose")
