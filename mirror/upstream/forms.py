"""In which form an index answers: JSON (PEP 691) or HTML (PEP 503). Pure."""

from enum import Enum

from mirror.errors import UpstreamUnavailableError


class Form(Enum):
    """How an answer is to be read."""

    JSON = "json"
    HTML = "html"


def form_of(content_type: str | None, source: str) -> Form:
    """The form of an answer of that type. Raises UpstreamUnavailableError where it is neither; `source` names it."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return Form.JSON
    if media_type in ("text/html", "application/xhtml+xml") or media_type.endswith("+html"):
        return Form.HTML
    raise UpstreamUnavailableError(f"{source} answered neither JSON nor HTML")
