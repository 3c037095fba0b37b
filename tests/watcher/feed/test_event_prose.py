"""Events in words for people."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given

from mirror.event_kinds import EventKind
from mirror.events import LONGEST_TEXT, Event, Evidence, payload_of
from mirror.model import State
from tests.watcher.feed.told_events import DELETION, HOSTILE_PIECES, WHEEL, hostile_events, redacted, told
from watcher.feed import prose


class Markup(HTMLParser):
    """What a browser would see: which elements, with which attributes, and which words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[object] = []
        self.cells: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.elements[-1:] == ["td"]:
            self.cells[-1] += data


KEPT = "kept: served here to exact pins"
OURS = {"p", "table", "thead", "tbody", "tr", "th", "td"}

TITLES = {
    EventKind.FILE_DELETED: "codecov 2.1.12: a.whl was deleted",
    EventKind.RELEASE_DELETED: "codecov 2.1.12 was deleted",
    EventKind.PROJECT_DELETED: "codecov 2.1.12 was deleted",
    EventKind.RELEASE_YANKED: "codecov 2.1.12 was yanked",
    EventKind.RELEASE_UNYANKED: "codecov 2.1.12 is no longer yanked",
    EventKind.PROJECT_QUARANTINED: "codecov 2.1.12 was quarantined",
    EventKind.PROJECT_QUARANTINE_CLEARED: "codecov 2.1.12 is no longer quarantined",
    EventKind.RELEASE_QUARANTINED: "codecov 2.1.12 was quarantined",
    EventKind.RELEASE_QUARANTINE_CLEARED: "codecov 2.1.12 is no longer quarantined",
    EventKind.PROJECT_STATUS_CHANGED: "codecov 2.1.12 is now archived",
    EventKind.PROJECT_REREGISTERED: "codecov 2.1.12 was registered again after its deletion",
    EventKind.FILE_REPLACED: "codecov 2.1.12: a.whl was replaced by a file with other bytes",
    EventKind.RESTORED: "codecov 2.1.12: a.whl is back",
    EventKind.RESCUED: "codecov 2.1.12: a.whl was saved after it had left",
    EventKind.FILE_YANKED: "codecov 2.1.12: a.whl was yanked",
    EventKind.FILE_UNYANKED: "codecov 2.1.12: a.whl is no longer yanked",
    EventKind.DISAPPEARED: "codecov 2.1.12: a.whl is gone, and nothing says why",
    EventKind.ADVISORY_BLOCKED: "codecov 2.1.12 is called malware by an advisory",
    EventKind.ADVISORY_WITHDRAWN: "codecov 2.1.12 is no longer called malware",
    EventKind.GAP: "The journal could not be read",
    EventKind.OPERATOR_ACT: "An operator intervened",
    EventKind.TAKEDOWN: "codecov 2.1.12 was destroyed here by an operator",
}
OF_NO_PROJECT = {EventKind.GAP, EventKind.OPERATOR_ACT}


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_a_title(kind: EventKind) -> None:
    """The title alone says what happened to what."""
    assert prose.title(told(kind=kind, filename="a.whl", status="archived")) == TITLES[kind]


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_words_when_nothing_else_is_known(kind: EventKind) -> None:
    """Rows of projects that were never seen are told as well, and redacted events stay readable."""
    event = told(kind=kind, version=None, files=None, remaining_releases=None, latest_remaining=None)

    for shown in (event, redacted(event)):
        assert prose.title(shown).startswith("codecov") is (kind not in OF_NO_PROJECT)
        assert prose.summary_text(shown).startswith(f"{prose.title(shown)}.\n")
        assert "None" not in prose.summary_text(shown) + prose.summary_html(shown)


def test_a_deletion_is_told_whole() -> None:
    """What, when, by which evidence, what is left, and each file with its digest and state."""
    text = prose.summary_text(told())

    assert text.splitlines() == [
        "codecov 2.1.12 was deleted.",
        "It happened at 2023-04-12 14:02:11 UTC and was noticed at 2023-04-12 14:02:40 UTC.",
        "Evidence: the index's journal (serial 17640001).",
        "11 releases remain, the latest is 2.1.13.",
        "Files kept here: 1 of 1.",
        "",
        "Files and their state at that moment:",
        f"- codecov-2.1.12-py2.py3-none-any.whl, sha256 {'5f' * 32}, {KEPT}",
    ]


def test_the_html_says_what_the_text_says_with_the_files_in_a_table() -> None:
    """Both are made from the same sentences."""
    event = told()

    seen = Markup(prose.summary_html(event))

    assert set(seen.elements) == OURS
    assert seen.cells == ["codecov-2.1.12-py2.py3-none-any.whl", "5f" * 32, KEPT]
    assert all(sentence in seen.words for sentence in prose.summary_text(event).splitlines()[:4])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"upstream_time": None}, "It was noticed at 2023-04-12 14:02:40 UTC."),
        ({"evidence": Evidence.INDEX, "serial": None}, "Evidence: the project's page."),
        ({"evidence": Evidence.BOTH}, "Evidence: the index's journal (serial 17640001) and the project's page."),
        ({"remaining_releases": 0, "latest_remaining": None}, "No release remains."),
        ({"remaining_releases": 1}, "One release remains: 2.1.13."),
        ({"remaining_releases": 1, "latest_remaining": None}, "One release remains."),
        ({"remaining_releases": 3, "latest_remaining": None}, "3 releases remain."),
        ({"remaining_releases": None}, "The latest release that remains is 2.1.13."),
        ({"was_latest": True}, "It was the latest release."),
        ({"was_yanked": True, "yanked_reason": "broken"}, "It had been yanked before."),
        ({"was_yanked": True, "yanked_reason": "broken"}, "Reason given for the yank: “broken”"),
        ({"kind": EventKind.RELEASE_YANKED, "yanked_reason": " "}, "No reason for the yank is known."),
        ({"kind": EventKind.FILE_YANKED, "yanked_reason": None}, "No reason for the yank is known."),
        ({"supersedes": "7-release.yanked"}, "This supersedes the event 7-release.yanked."),
        ({"files": None}, "Files unknown: this project was not known here."),
        ({"files": (replace(WHEEL, sha256=None),)}, f"- {WHEEL.filename}, sha256 not known, {KEPT}"),
        ({"files": (WHEEL, replace(WHEEL, state=State.LOST))}, "Files kept here: 1 of 2."),
        (
            {"observed_since": datetime(2023, 1, 2, tzinfo=UTC)},
            "Observed here since 2023-01-02 00:00:00 UTC; what was before is not known.",
        ),
    ],
)
def test_what_is_known_gets_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    """Each fact that an event carries can be read; what nobody knows is not claimed."""
    assert sentence in prose.summary_text(told(**changes)).splitlines()


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (
            {"pypi-current": "allow", "pep763": "refuse", "npm": "refuse", "hex": "unknown"},
            "A user could not have deleted it under the rules of: PEP 763, Limiting deletions on PyPI; npm.",
        ),
        ({"cpan": "allow", "hex": "refuse"}, "A user could have deleted it under the rules of: CPAN."),
        ({"of-tomorrow": "allow"}, "A user could have deleted it under the rules of: of-tomorrow."),
    ],
)
def test_what_policies_say_is_a_sentence(verdicts: dict[str, str], sentence: str) -> None:
    """In the words of each; those that cannot tell are not named."""
    assert sentence in prose.summary_text(told(verdicts=tuple(verdicts.items()))).splitlines()


def test_where_no_policy_can_tell_none_is_spoken_of() -> None:
    """Yanks have no verdicts, and some deletions only unknown ones."""
    assert "under the rules" not in prose.summary_text(told(verdicts=(("npm", "unknown"), ("hex", "unknown"))))


def test_advisories_are_named() -> None:
    """Who reads of a deletion sees at once that it was malware."""
    payload = payload_of(DELETION).replace(b'"advisories":[]', b'"advisories":["MAL-2023-1","MAL-2023-2"]')

    text = prose.summary_text(replace(told(), payload=payload))

    assert "Advisories: MAL-2023-1, MAL-2023-2." in text.splitlines()


def test_a_change_of_status_does_not_claim_that_the_project_is_unknown() -> None:
    """Its status was read on its page."""
    event = told(kind=EventKind.PROJECT_STATUS_CHANGED, version=None, status="archived", files=None)

    assert "Files unknown" not in prose.summary_text(event)


def test_the_only_file_of_an_event_names_it() -> None:
    """One file came back: the title says which, though the event names no filename of its own."""
    assert prose.title(told(kind=EventKind.RESTORED)) == f"codecov 2.1.12: {WHEEL.filename} is back"
    assert prose.title(told(kind=EventKind.RESTORED, files=(WHEEL, WHEEL))) == "codecov 2.1.12 is back"


def test_files_beyond_measure_are_counted() -> None:
    """A project with thousands of files makes no entry that a reader chokes on."""
    event = told(files=tuple(replace(WHEEL, filename=f"f{n}.whl") for n in range(prose.MOST_FILES + 3)))

    assert len(Markup(prose.summary_html(event)).cells) == 3 * prose.MOST_FILES
    for summary in (prose.summary_html(event), prose.summary_text(event)):
        assert f"f{prose.MOST_FILES - 1}.whl" in summary
        assert f"f{prose.MOST_FILES}.whl" not in summary
        assert "And 3 more; the event itself holds them all." in summary


def test_where_there_is_no_room_files_are_counted() -> None:
    """A document can hold many events, and none of them is left out for want of room."""
    for summary in (prose.summary_html(told(), most_files=0), prose.summary_text(told(), most_files=0)):
        assert "Files: 1, not listed here; the event itself holds them all." in summary
        assert WHEEL.filename not in summary


def test_a_redacted_event_says_that_it_was_and_nothing_else() -> None:
    """What was withdrawn is not repeated from elsewhere."""
    event = redacted(told(kind=EventKind.FILE_DELETED, filename="secret.whl", yanked_reason="secret"))

    assert prose.summary_text(event).splitlines() == [
        "codecov 2.1.12: a file was deleted.",
        "It was told at 2023-04-12 14:02:40 UTC.",
        "The details of this event were withdrawn.",
    ]
    assert set(Markup(prose.summary_html(event)).elements) == {"p"}


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_markup_in_a_filename_is_shown_as_text(piece: str) -> None:
    """The cell holds the name; the table has no other row, element or attribute."""
    event = told(files=(replace(WHEEL, filename=f"a{piece}", state=State.LOST),))

    seen = Markup(prose.summary_html(event))

    assert set(seen.elements) == OURS
    assert seen.attributes == []
    assert len(seen.cells) == 3
    assert seen.cells[0].startswith("a")
    assert seen.cells[1:] == ["5f" * 32, "lost: its bytes were never had here"]


def test_stored_control_characters_are_not_shown() -> None:
    """A payload that was stored with them reads without them."""
    payload = payload_of(replace(DELETION, yanked_reason="plain"))
    stored = payload.replace(b'"plain"', b'"p\\u0000l\\u202eai\\u001bn%s"' % (b"!" * 600))

    shown = prose.summary_text(replace(told(), payload=stored))

    assert f"“plain{'!' * 495}”" in shown


@given(hostile_events())
def test_any_event_reads_as_plain_words_in_our_own_markup(event: Event) -> None:
    """No text from upstream adds an element, an attribute, a line or an unprintable character."""
    seen = Markup(prose.summary_html(event))
    text = prose.summary_text(event)

    assert set(seen.elements) <= OURS
    assert seen.attributes == []
    assert len(seen.cells) in {0, 6}
    assert all(len(cell) <= LONGEST_TEXT for cell in seen.cells)
    # A title names a version and a filename, no other line holds more than one text from upstream.
    assert all(len(line) <= 2 * LONGEST_TEXT + 100 for line in text.split("\n"))
    assert not [c for c in text + prose.title(event) + seen.words if c != "\n" and unicodedata.category(c)[0] == "C"]
    assert len(text.split("\n")) == len(seen.elements) - seen.elements.count("td") + _extra_lines(seen)


def _extra_lines(seen: Markup) -> int:
    """Lines of the text less elements of the HTML that are no cells, which is fixed by whether there is a table."""
    # With two files: an empty line, a heading and two lines against table, thead, tr, three th, tbody and two tr.
    return 4 - 9 if seen.cells else 0
