"""What PyPI's own software wrote is what this mirror writes after reading it, as long as nothing departed."""

from pathlib import Path

import pytest

from mirror.index.merge import offered
from mirror.index.render import render_html, render_json
from tests.mirror.index.recorded_acts import FILES, answered, memory_of, recorded

PAGES = answered("*/simple-detail.json.txt")


def test_there_are_recorded_pages() -> None:
    """Of every state that a project can be in."""
    assert len(PAGES) > 20


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.parent.name)
def test_a_page_goes_through_unchanged_but_for_the_addresses_of_files(path: Path) -> None:
    """API version, keys, order, times, yanks, status and serial, in both forms, byte for byte."""
    memory = memory_of(path)
    offer = offered(memory)

    as_json, as_html = render_json(offer, memory.project), render_html(offer, memory.project)

    html = recorded(path.with_name("simple-detail.html.txt"))
    assert as_json.rstrip() == recorded(path).body.replace(FILES, b"../../").rstrip()
    assert as_html.rstrip() == html.body.replace(FILES, b"../../").rstrip()
    assert b'"api-version":"1.4"' in as_json
