"""What is believed of an answer as a whole, and what is no project page at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UpstreamUnavailableError
from mirror.model import ProjectStatus
from tests.mirror.upstream.canned_upstream import page
from tests.mirror.upstream.readings import entry, read


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"status": "active"}, ProjectStatus.ACTIVE),
        ({"status": "quarantined"}, ProjectStatus.QUARANTINED),
        ({"status": "archived", "reason": "x"}, ProjectStatus.ARCHIVED),
        ({"status": "on-holiday"}, ProjectStatus.ACTIVE),
        ({}, ProjectStatus.ACTIVE),
        (None, ProjectStatus.ACTIVE),
    ],
)
def test_status_markers_are_read_and_unknown_ones_mean_active(written: object, meant: ProjectStatus) -> None:
    """PEP 792."""
    assert read(page(**{"project-status": written})).page.status is meant


@pytest.mark.parametrize(
    ("in_body", "in_header", "meant"),
    [
        (40, "39", 40),
        ("41", "39", 41),
        (None, "39", 39),
        (0, None, None),
        ("many", None, None),
        (None, "x", None),
        (None, "-1", None),
        (None, None, None),
    ],
)
def test_the_serial_of_the_body_goes_before_that_of_the_header(
    in_body: int | str | None, in_header: str | None, meant: int | None
) -> None:
    """An index that knows no serial, or only zero, has none. Caching indexes write the number as text."""
    meta: dict[str, object] = {"api-version": "1.0"}
    body = page(meta=meta if in_body is None else meta | {"_last-serial": in_body})

    assert read(body, serial_header=in_header).page.serial == meant


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"files": []',
        b"\xff" * 20,
        b'{"files":' + b"[" * 100_000,
        page(files={}),
        page(files=None),
        page(versions="1.0"),
        page(versions=[1]),
        page(meta=None),
        page(meta={}),
        page(meta={"api-version": "2.0"}),
        page(meta={"api-version": "1.0", "_last-serial": -4}),
        page(name="rightpad"),
        page(name=7),
        page(**{"project-status": "active"}),
    ],
)
def test_an_answer_that_is_no_such_page_is_not_believed(body: bytes) -> None:
    """Nothing is concluded from it: it counts as no answer."""
    with pytest.raises(UpstreamUnavailableError):
        read(body)


def test_a_page_may_spell_its_project_otherwise() -> None:
    """Some indexes answer with the displayed name."""
    assert read(page(name="LeftPad")).page.project == "leftpad"


def test_a_version_comes_in_the_spelling_of_the_page() -> None:
    """The list of versions decides how an equal version is written."""
    file = read(page(files=[entry(filename="leftpad-1.0.0.tar.gz")], versions=["1.0"])).page.files[0]

    assert file.version == "1.0"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"filename": st.text(max_size=12) | json_values, "url": st.text(max_size=12) | json_values},
            optional=dict.fromkeys(("hashes", "size", "upload-time", "yanked", "core-metadata", "x"), json_values),
        )
    ),
    st.dictionaries(st.sampled_from(["versions", "project-status", "meta", "name", "y"]), json_values),
)
def test_whatever_json_arrives_it_is_believed_or_refused(
    files: list[dict[str, object]], top: dict[str, object]
) -> None:
    """Nothing else than a page or UpstreamUnavailableError ever comes of an answer."""
    body = page(files=files, **top)
    try:
        parsed = read(body)
    except UpstreamUnavailableError:
        return

    assert len(parsed.page.files) + parsed.dropped == len(files)
    json.loads(parsed.page.extra)
