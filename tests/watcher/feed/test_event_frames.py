"""What goes over a stream, read by a parser of server-sent events that is not everpin's."""

from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from hypothesis import given

from mirror.events import Cursor, Event
from tests.watcher.feed.told_events import SOURCE, hostile_events, told
from watcher.feed import cloudevents, frames


def _read(stream: bytes) -> list[tuple[str, str, str]]:
    """Id, type and data of all events that have data."""
    lines, events = SSELineDecoder(), SSEDecoder()
    read = (events.decode(line) for line in lines.decode(stream.decode()))
    return [(one.id, one.event, one.data) for one in read if one is not None and one.data]


@given(hostile_events())
def test_an_event_is_one_event_whatever_it_says(event: Event) -> None:
    """No text of upstream's ends the line, or begins another field."""
    stream = frames.START + frames.told(event, source=SOURCE) + frames.BEAT

    assert _read(stream) == [("1-42", "message", cloudevents.envelope(event, source=SOURCE).decode())]


def test_what_only_moves_the_place_is_no_event() -> None:
    """The next one comes with the place that it has itself."""
    stream = frames.passed(Cursor(1, 7)) + frames.BEAT + frames.told(told(number=8), source=SOURCE)

    assert [id_ for id_, _, _ in _read(stream)] == ["1-8"]
