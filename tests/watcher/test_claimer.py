"""The name of who claims files: one for each process that lives, handed on to the next one."""

import uuid
from pathlib import Path

import pytest

from mirror.errors import StartError
from watcher.claimer import claimer


def test_a_successor_goes_by_the_same_name(tmp_path: Path) -> None:
    """What the predecessor had claimed is then the successor's own."""
    with claimer(tmp_path / "claimer") as first:
        pass

    with claimer(tmp_path / "claimer") as second:
        assert second == first


def test_two_at_the_same_time_never_go_by_the_same_name(tmp_path: Path) -> None:
    """The second gets a name that ends with it."""
    with claimer(tmp_path / "claimer") as first, claimer(tmp_path / "claimer") as second:
        pass

    assert first != second
    with claimer(tmp_path / "claimer") as third:
        assert third == first


@pytest.mark.parametrize("left", [b"", b"4f0d9f5b-6f0c", b"\xff" * 36])
def test_a_name_that_was_not_written_to_its_end_is_replaced(tmp_path: Path, left: bytes) -> None:
    """As after a crash between making the file and writing it."""
    (tmp_path / "claimer").write_bytes(left)

    with claimer(tmp_path / "claimer") as name:
        pass

    assert uuid.UUID((tmp_path / "claimer").read_text()) == name


def test_a_place_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    """The sentence names the path and the way out."""
    (tmp_path / "claimer").mkdir()

    with pytest.raises(StartError, match=r"claimer \(Is a directory\); choose another"), claimer(tmp_path / "claimer"):
        pass
