"""Lock and requirements files, read into pins. Pure.

A pin is what a file demands: one file by its digest, or one release where the file names no more.
"""

from dataclasses import dataclass

from mirror.names import ProjectName, Sha256


@dataclass(frozen=True, slots=True)
class Pin:
    """One file that is demanded, or one release where `filename` and `sha256` are None.

    `version` is as written, None where only bytes are demanded. `source` says where the pin stands, as people find it:
    "uv.lock" or "requirements.txt:12". `index` is the URL of the index that the file names for it, None where it names
    none.
    """

    project: ProjectName
    version: str | None
    filename: str | None
    sha256: Sha256 | None
    source: str
    index: str | None = None
