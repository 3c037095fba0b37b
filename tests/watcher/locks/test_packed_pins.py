"""What is stored of a lock file: enough to know what touches it, and no more."""

from mirror.names import ProjectName, Sha256
from watcher.locks import Pin
from watcher.locks.packed import packed, unpacked

ONE, TWO = Sha256("1a" * 32), Sha256("2b" * 32)


def pin(name: str, version: str | None, filename: str | None, digest: Sha256 | None) -> Pin:
    """A pin as a lock file in a directory of somebody's has it."""
    return Pin(ProjectName(name), version, filename, digest, "olga/uv.lock:7", "https://index.example.org/simple/")


def test_names_versions_and_digests_come_back_and_nothing_else() -> None:
    """A file that was pinned by its name alone is its release; whatever the order was, the bytes are the same."""
    pins = [
        pin("demo", "1.0", "demo-1.0.tar.gz", TWO),
        pin("demo", "1.0", "demo-1.0-py3-none-any.whl", ONE),
        pin("demo", "2.0", "demo-2.0.tar.gz", None),
        pin("mixed", "1!3.dev4+local", None, None),
        pin("mixed", "1!3.dev4+local", None, ONE),
        pin("nameless", None, None, TWO),
    ]
    stored = packed(pins)

    assert [(each.project, each.version, each.sha256) for each in unpacked(stored)] == [
        ("demo", "1.0", ONE),
        ("demo", "1.0", TWO),
        ("demo", "2.0", None),
        ("mixed", "1!3.dev4+local", None),
        ("mixed", "1!3.dev4+local", ONE),
        ("nameless", None, TWO),
    ]
    assert {(each.filename, each.source, each.index) for each in unpacked(stored)} == {(None, "", None)}
    assert packed(pins[::-1]) == stored
    assert unpacked(packed([])) == ()
