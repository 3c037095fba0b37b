"""Many projects at the simulated PyPI at once: listed, with digests of nothing, since nobody fetches their files."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

from tests.pypi_sim import File, Project, PyPISim, Release

_FILES_A_RELEASE = 20


def stock(pypi: PyPISim, prefix: str, *, projects: int, files: int) -> tuple[str, ...]:
    """Adds so many projects of so many files each and returns their names. The journal says nothing of them."""
    names = tuple(f"{prefix}-{number}" for number in range(projects))
    for name in names:
        pypi.projects[name] = _project(pypi, name, files)
    return names


def _project(pypi: PyPISim, name: str, files: int) -> Project:
    at = pypi.now() - timedelta(days=200)
    project = Project(name=name, created=at, number=0, last_serial=1)
    listed = list(_files(pypi, name, files))
    for number, first in enumerate(range(0, files, _FILES_A_RELEASE)):
        some = listed[first : first + _FILES_A_RELEASE]
        version = some[0].version
        release = Release(version, at, number, name, (), None, files={file.filename: file for file in some})
        project.releases[version] = release
    return project


def _files(pypi: PyPISim, name: str, count: int) -> Iterator[File]:
    at = pypi.now() - timedelta(days=200)
    for number in range(count):
        major, minor = divmod(number // _FILES_A_RELEASE, 10)
        version = f"{major}.{minor}.1"
        # As long as the names of most wheels that are built for a platform.
        tags = (
            f"cp3{number % _FILES_A_RELEASE}-cp3{number % _FILES_A_RELEASE}-manylinux_2_17_x86_64.manylinux2014_x86_64"
        )
        filename = f"{name.replace('-', '_')}-{version}-{tags}.whl"
        digest = sha256(filename.encode()).hexdigest()
        yield File(
            project=name,
            version=version,
            filename=filename,
            kind="wheel",
            python_version="py3",
            content=b"",
            metadata=None,
            requires_python=">=3.9",
            uploaded_at=at + timedelta(seconds=number),
            provenance=False,
            sha256=digest,
            md5=digest[:32],
            blake2b_256=digest[::-1],
            metadata_sha256=digest[32:] + digest[:32],
        )
