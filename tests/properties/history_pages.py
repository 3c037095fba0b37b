"""The pages that upstream answers with, read where they leave the simulator and not as everpin reads them."""

import gzip
import json
from datetime import datetime

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests.properties.history_nouns import Entry, Shown
from tests.pypi_sim import PyPISim, pages
from tests.pypi_sim.answers import Answer, not_found_text
from tests.pypi_sim.lies import spoilt
from tests.pypi_sim.negotiate import SIMPLE_JSON

_FILES = "http://files.example.org"


def shown(name: str, answer: Answer) -> Shown | None:
    """The page of that project, or None where the answer is none that anybody can read."""
    body = gzip.decompress(answer.body) if answer.body.startswith(b"\x1f\x8b") else answer.body
    try:
        page = json.loads(body)
    except ValueError:
        return None
    entries = tuple(
        Entry(
            file["filename"],
            file["hashes"]["sha256"],
            _version(file["filename"]),
            datetime.fromisoformat(file["upload-time"]),
            None if file["yanked"] is False else "" if file["yanked"] is True else file["yanked"],
        )
        for file in page["files"]
    )
    return Shown(name, page["meta"]["_last-serial"], page["project-status"]["status"], entries)


def _version(filename: str) -> str:
    if filename.endswith(".whl"):
        return str(parse_wheel_filename(filename)[1])
    return str(parse_sdist_filename(filename)[1])


def answer_of(pypi: PyPISim, name: str, *, origin: str) -> Answer | None:
    """What upstream answers to who asks for a page, without any network; None where it is down."""
    faults = pypi.faults
    if faults.index_down is not None:
        return None

    def render() -> Answer:
        project = pypi.projects.get(name)
        if project is None:
            return spoilt(not_found_text(), faults.pages.get(name))
        page = pages.simple_page(project, SIMPLE_JSON, files_url=_FILES, origin=origin)
        return spoilt(page, faults.pages.get(name))

    return pypi.cdn.fetch(name, render).answer
