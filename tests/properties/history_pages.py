"""The pages that upstream answers with, read where they leave the simulator and not as everpin reads them."""

import gzip
import json
from datetime import datetime

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from tests.properties.history_nouns import Entry, Shown
from tests.pypi_sim.answers import Answer


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
