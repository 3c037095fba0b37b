"""A shelf finds what looking at every file would find, also after files on it were replaced."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from mirror.changes.shelf import Shelf, born, key_of, shelved
from mirror.model import FileFacts
from mirror.names import same_version_key
from tests.mirror.changes.histories import LONG_AGO, NOW, listed

VERSIONS = ("1.0", "1.0.0", "1", "2.0a1", "2.0", "10.0", "0.9.dev3", "nonsense", "1!0.1")


@st.composite
def files(draw: st.DrawFn) -> tuple[FileFacts, ...]:
    """Files of two lives, each known by other keys than the others."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(VERSIONS), st.integers(1, 2), st.booleans()), max_size=12))
    return tuple(
        FileFacts(
            place,
            incarnation,
            listed(version, build=str(place), yanked="" if is_yanked else None, uploaded=draw(uploads)),
            NOW,
            None,
            listed=draw(st.booleans()),
        )
        for place, (version, incarnation, is_yanked) in enumerate(drawn)
    )


uploads = st.sampled_from((None, LONG_AGO, NOW))


@given(files(), st.data())
def test_a_shelf_finds_what_looking_at_all_finds(files: tuple[FileFacts, ...], data: st.DataObject) -> None:
    """Releases, names, keys, the latest version, the oldest file; step by step as rows and pages change files."""
    shelf = shelved(files)
    for _ in range(data.draw(st.integers(0, 12))):
        changed = {}
        for file in data.draw(st.lists(st.sampled_from(shelf), unique_by=key_of, max_size=3)) if shelf else ():
            yanked = data.draw(st.sampled_from((None, "", "broken")))
            after = replace(
                file,
                listed=data.draw(st.booleans()),
                listed_file=replace(file.listed_file, yanked=yanked, upload_time=data.draw(uploads)),
                incarnation=data.draw(st.sampled_from((file.incarnation, 3))),
            )
            changed[key_of(file)] = after
        expected = tuple(changed.get(key_of(file), file) for file in shelf)
        shelf = shelf.replaced(changed)

        assert shelf == expected
        _assert_found(shelf, expected)


def test_a_shelf_is_put_up_once() -> None:
    """What is on one already stays there, with what was found out about it."""
    shelf = Shelf()

    assert shelved(shelf) is shelf
    assert shelf.latest(1) is None
    assert shelf.oldest(1) is None


def _assert_found(shelf: Shelf, files: tuple[FileFacts, ...]) -> None:
    for version in VERSIONS:
        key = same_version_key(version)
        assert shelf.of_version(version) == tuple(f for f in files if same_version_key(f.version or "") == key)
    names = {file.filename for file in files}
    assert all(shelf.of_name(name) == tuple(f for f in files if f.filename == name) for name in names)
    some = {key_of(file) for file in files[::2]} | {(9, "unknown", None)}
    assert shelf.of_keys(some) == tuple(file for file in files if key_of(file) in some)
    for life in (1, 2, 3):
        of_life = [file for file in files if file.incarnation == life]
        offered = [file for file in of_life if file.listed]
        assert shelf.oldest(life) == min(map(born, of_life), default=None)
        assert shelf.releases(life) == len({same_version_key(file.version or "") for file in offered})
        assert shelf.latest(life) == _latest(offered)


def _latest(offered: list[FileFacts]) -> str | None:
    ranked = [
        (file.listed_file.yanked is None, not Version(file.version).is_prerelease, Version(file.version), file.version)
        for file in offered
        if file.version is not None and _is_version(file.version)
    ]
    return max(ranked)[-1] if ranked else None


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
