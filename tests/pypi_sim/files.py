"""Makes files as they would be uploaded, with their digests and their place on the files host."""

import hashlib
from datetime import datetime

from tests.pypi_sim import wheels
from tests.pypi_sim.generated import Generated, digests_of
from tests.pypi_sim.model import File, Kind


def build_file(
    project: str,
    version: str,
    *,
    filename: str,
    requires: tuple[str, ...] = (),
    requires_python: str | None = None,
    content: bytes | Generated | None = None,
    uploaded_at: datetime,
    provenance: bool = False,
    payload_size: int = 0,
) -> File:
    """A file as it would be uploaded; its kind and tags come from its name, its bytes from `content` or a build.

    Bytes that are generated are never held; only their digests are taken.
    """
    is_wheel = filename.endswith(".whl")
    metadata = wheels.core_metadata(project, version, requires=requires, requires_python=requires_python)
    if content is None and is_wheel:
        content = wheels.build_wheel(filename, project=project, metadata=metadata, payload_size=payload_size)
    elif content is None:
        content = wheels.build_sdist(
            filename, project=project, version=version, metadata=metadata, payload_size=payload_size
        )
    digests = digests_of(content.chunks() if isinstance(content, Generated) else [content])
    return File(
        project=project,
        version=version,
        filename=filename,
        kind="wheel" if is_wheel else "sdist",
        python_version=filename.split("-")[-3] if is_wheel else "source",
        content=b"" if isinstance(content, Generated) else content,
        metadata=metadata if is_wheel else None,
        requires_python=requires_python,
        uploaded_at=uploaded_at,
        provenance=provenance,
        sha256=digests.sha256,
        md5=digests.md5,
        blake2b_256=digests.blake2b_256,
        metadata_sha256=hashlib.sha256(metadata).hexdigest() if is_wheel else None,
        generated=content if isinstance(content, Generated) else None,
    )


def default_filename(project: str, version: str, *, kind: Kind, build_tag: str | None) -> str:
    """The name that the usual build tools give such a file."""
    if kind == "wheel":
        return wheels.wheel_filename(project, version, build_tag=build_tag)
    return wheels.sdist_filename(project, version)


def packagetype(file: File) -> str:
    """What the JSON API and the files host call this kind of file."""
    return "bdist_wheel" if file.kind == "wheel" else "sdist"
