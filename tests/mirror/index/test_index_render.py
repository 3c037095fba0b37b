"""What a page says of each fact and leaves out where it is unknown; text of upstream stays text, whatever is in it."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from mirror.index.listing import HtmlList, JsonList
from mirror.index.merge import Offer
from mirror.index.render import etag_of, render_json, rendered
from mirror.model import FileFacts, ProjectStatus, State
from mirror.names import Serial, Sha256
from tests.mirror.index.index_examples import facts, listed_file, pages_of, project

TEXTS = st.text(alphabet=st.characters(codec="utf-8")) | st.lists(
    st.sampled_from(['"', "'", "<", ">", "&", "-->", "</a>", "<script>", "&quot;", "\n", "\0", "\\", "=", " x", "é"])
).map("".join)

# Most hostile names get no link at all; these do.
FILENAMES = st.sampled_from(['a"b.zip', "a' x='.zip", "a><script>.zip", "a&amp;b.zip", "a-->b.zip", "a é.zip"]) | TEXTS


def json_file(*, of: FileFacts) -> dict[str, object]:
    files = json.loads(pages_of(of)[0])["files"]
    assert len(files) == 1
    entry = files[0]
    assert isinstance(entry, dict)
    return entry


class Tags(HTMLParser):
    """Every tag with its attributes, every comment, and the text of every link."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self._in_link = False
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            assert len(dict(attrs)) == len(attrs)
            self.links.append(dict(attrs))
            self.texts.append("")
            self._in_link = True

    def handle_endtag(self, tag: str) -> None:
        self._in_link = self._in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._in_link:
            self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 11, 22, 3, 12, 17, 705179, tzinfo=UTC), "2026-11-22T03:12:17.705179Z"),
        (datetime(2026, 11, 22, 3, 12, 17, 1000, tzinfo=UTC), "2026-11-22T03:12:17.001000Z"),
        (datetime(2026, 11, 22, 3, 12, 17, tzinfo=UTC), "2026-11-22T03:12:17Z"),
        (datetime.fromisoformat("2026-11-22T03:12:17+05:30"), "2026-11-21T21:42:17Z"),
    ],
)
def test_upload_times_are_written_as_pypi_writes_them(moment: datetime, written: str) -> None:
    """UTC, without a fraction where it is zero."""
    assert json_file(of=facts(listed_file(upload_time=moment)))["upload-time"] == written


def test_what_is_not_known_of_a_file_is_left_out() -> None:
    """PEP 700 has no null for size and upload time; a file without sha256 has no hashes and no fragment."""
    url = f"https://example.org/packages/00/00/{'0' * 60}/leftpad-1.0.tar.gz"
    file = replace(listed_file(size=None, upload_time=None, url=url), sha256=None)
    as_json, as_html = pages_of(facts(file))

    (entry,) = json.loads(as_json)["files"]
    (link,) = Tags(as_html).links

    assert not {"size", "upload-time"} & entry.keys()
    assert entry["hashes"] == {}
    assert link == {"href": f"../../packages/00/00/{'0' * 60}/leftpad-1.0.tar.gz"}


def test_a_page_without_serial_says_none() -> None:
    """Neither in the meta data nor as a comment."""
    as_json, as_html = pages_of(of=project(page_serial=None))

    assert json.loads(as_json)["meta"] == {"api-version": "1.4"}
    assert as_html.endswith(b"</html>")


def test_unknown_keys_of_upstream_pass_through() -> None:
    """Future keys survive, with values of any kind and precision; ours are never overridden."""
    file_extra = (
        b'{"future":{"b":[1.10,12345678901234567890123]},"hashes":{"blake2b":"aa","sha256":"bb"},"yanked":false}'
    )
    page_extra = (
        b'{"meta":{"future":1,"api-version":"9.9","_last-serial":1},"name":"other","files":[],"kin":null,'
        b'"project-status":{"reason":"a \\u003cgood\\u003e one","status":"quarantined"}}'
    )

    as_json, _ = pages_of(
        facts(listed_file(yanked="bad", extra=file_extra), State.YANKED),
        of=project(extra=page_extra, versions=("1.0",)),
    )

    page = json.loads(as_json)
    (file,) = page["files"]
    assert b'"future":{"b":[1.10,12345678901234567890123]}' in as_json
    assert file["hashes"] == {"blake2b": "aa", "sha256": listed_file().sha256}
    assert file["yanked"] == "bad"
    assert page["meta"] == {"_last-serial": 76, "api-version": "1.4", "future": 1}
    assert page["project-status"] == {"reason": "a <good> one", "status": "active"}
    assert (page["name"], page["kin"], page["versions"]) == ("leftpad", None, ["1.0"])


def test_keys_that_promise_what_a_mirror_does_not_do_are_dropped() -> None:
    """A second spelling of the metadata key, detached signatures and pointers to other indexes."""
    file = facts(listed_file(extra=b'{"dist-info-metadata":true,"gpg-sig":true}'))
    pointers = project(
        extra=b'{"alternate-locations":["https://example.org"],"meta":{"tracks":["https://example.org"]}}'
    )

    page = json.loads(pages_of(file, of=pointers)[0])

    assert not {"dist-info-metadata", "gpg-sig"} & page["files"][0].keys()
    assert "alternate-locations" not in page
    assert "tracks" not in page["meta"]


def test_upstreams_reason_for_a_status_is_not_given_for_another_one() -> None:
    """An archived project's reason says nothing about its quarantine."""
    archived = project(
        status=ProjectStatus.ARCHIVED, quarantined_by=5, extra=b'{"project-status":{"reason":"done"},"meta":[]}'
    )

    assert json.loads(pages_of(of=archived)[0])["project-status"] == {"status": "quarantined"}


@given(reason=TEXTS, requires_python=TEXTS, filename=FILENAMES, provenance=TEXTS, metadata=TEXTS)
def test_hostile_text_stays_text(
    reason: str, requires_python: str, filename: str, provenance: str, metadata: str
) -> None:
    """No value breaks out of its attribute, its element or its JSON string, and each is read back as it was."""
    file = listed_file(
        filename,
        yanked=reason,
        requires_python=requires_python,
        provenance=provenance,
        core_metadata=Sha256(metadata),
    )
    as_json, as_html = pages_of(facts(file, State.YANKED))

    page, tags = json.loads(as_json), Tags(as_html)

    assert set(tags.tags) <= {"html", "head", "meta", "title", "body", "h1", "a", "br"}
    assert tags.comments == ["SERIAL 76"]
    assert tags.texts == [entry["filename"] for entry in page["files"]]
    for link, entry in zip(tags.links, page["files"], strict=True):
        expected = {
            "href": f"{entry['url']}#sha256={entry['hashes']['sha256']}",
            "data-yanked": reason,
            "data-dist-info-metadata": f"sha256={metadata}",
            "data-core-metadata": f"sha256={metadata}",
            **({"data-requires-python": requires_python} if requires_python else {}),
            "data-provenance": entry["provenance"],
        }
        assert link == expected
        assert (entry["filename"], entry["yanked"]) == (filename, reason or True)
        assert entry["provenance"] == entry["url"].replace("../..", "https://mirror.example.org/prefix") + ".provenance"


def test_without_an_origin_no_provenance_is_named() -> None:
    """PEP 740 wants an absolute address, and upstream's own is that of bytes which this mirror does not vouch for."""
    file = facts(listed_file(provenance="https://example.org/p"))

    as_json, as_html = pages_of(file, origin=None)

    assert json.loads(as_json)["files"][0]["provenance"] is None
    assert b"provenance" not in as_html


@given(display_name=TEXTS)
def test_a_hostile_display_name_stays_text(display_name: str) -> None:
    """In the list of projects too."""
    listing = [(canonicalize_name("leftpad"), display_name, Serial(1))]

    tags = Tags(HtmlList(Serial(1)).rows(listing))

    assert tags.texts == [display_name]
    assert tags.links == [{"href": "leftpad/"}]
    assert json.loads(b"[%b]" % JsonList(Serial(1)).rows(listing))[0]["name"] == display_name


def test_a_rendered_page_has_an_etag_for_each_of_its_encodings() -> None:
    """Deterministic, strong and different, so that caches keep them apart."""
    body = render_json(Offer(status=ProjectStatus.ACTIVE, serial=None), project()) * 100

    page = rendered(body, "text/plain")

    assert page == rendered(body, "text/plain")
    assert gzip.decompress(page.gzipped) == page.body == body
    assert page.gzipped[4:8] == bytes(4), "the time of compression is part of the compressed form"
    assert len(page.gzipped) < len(body)
    assert page.content_type == "text/plain"
    assert page.etag == etag_of(body) != page.gzip_etag == etag_of(page.gzipped)
    assert page.etag.startswith('"')
    assert page.etag.endswith('"')
    assert etag_of(b"one") != etag_of(b"another")
