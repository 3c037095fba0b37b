"""Builds tiny wheels and sdists that pip and uv really install; the same arguments give the same bytes."""

import base64
import gzip
import hashlib
import io
import random
import tarfile
import zipfile

from packaging.utils import canonicalize_name, parse_wheel_filename

_ZIP_EPOCH = (2020, 1, 1, 0, 0, 0)

# PEP 517: "If the backend-path key is present in the [build-system] table"; with it an sdist builds
# without fetching anything.
_PYPROJECT = """\
[build-system]
requires = []
build-backend = "in_tree_backend"
backend-path = ["."]
"""

_BACKEND = """\
import base64, hashlib, pathlib, zipfile


def _entries():
    here = pathlib.Path(__file__).parent
    metadata = (here / "PKG-INFO").read_bytes()
    headers = dict(line.split(": ", 1) for line in metadata.decode().split("\\n\\n")[0].splitlines())
    stem = headers["Name"].replace("-", "_").replace(".", "_").lower()
    info = f"{stem}-{headers['Version']}.dist-info"
    wheel = b"Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    yield f"{stem}.py", (here / f"{stem}.py").read_bytes()
    yield f"{info}/METADATA", metadata
    yield f"{info}/WHEEL", wheel
    yield f"{info}/RECORD", b""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    entries = list(_entries())
    info = entries[-1][0].split("/")[0]
    name = info.removesuffix(".dist-info") + "-py3-none-any.whl"
    lines = []
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as archive:
        for path, body in entries[:-1]:
            digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(body)}\\n")
            archive.writestr(path, body)
        archive.writestr(f"{info}/RECORD", "".join(lines) + f"{info}/RECORD,,\\n")
    return name
"""


def module_name(project: str) -> str:
    """The module that a built distribution of `project` installs."""
    return canonicalize_name(project).replace("-", "_")


def wheel_filename(project: str, version: str, *, build_tag: str | None = None) -> str:
    """The usual name of a pure-Python wheel."""
    middle = f"{version}-{build_tag}" if build_tag else version
    return f"{module_name(project)}-{middle}-py3-none-any.whl"


def sdist_filename(project: str, version: str) -> str:
    """The usual name of an sdist."""
    return f"{module_name(project)}-{version}.tar.gz"


def core_metadata(
    project: str, version: str, *, requires: tuple[str, ...] = (), requires_python: str | None = None
) -> bytes:
    """The METADATA file, byte for byte what the files host serves as `.metadata`."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project}",
        f"Version: {version}",
        f"Summary: {project} test project",
        "Author: A. Test",
        "Author-email: a.test@example.com",
        "License: MIT",
    ]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines.extend(f"Requires-Dist: {requirement}" for requirement in requires)
    return ("\n".join(lines) + f"\n\n# {project}\n\nA test project.\n").encode()


def module_source(project: str, version: str, filename: str) -> bytes:
    """A module that tells which project, version and file it was installed from."""
    text = f"NAME = {project!r}\nVERSION = {version!r}\nFILENAME = {filename!r}\n__version__ = VERSION\n"
    return text.encode()


def build_wheel(filename: str, *, project: str, metadata: bytes, payload_size: int = 0) -> bytes:
    """A wheel of that name; `payload_size` random bytes, always the same for a name, make it heavier."""
    _, version, _, tags = parse_wheel_filename(filename)
    stem = module_name(project)
    info = f"{stem}-{filename.split('-')[1]}.dist-info"
    pure = "false" if any(tag.platform != "any" for tag in tags) else "true"
    wheel_lines = ["Wheel-Version: 1.0", "Generator: tiny", f"Root-Is-Purelib: {pure}"]
    wheel_lines.extend(sorted(f"Tag: {tag}" for tag in tags))
    entries = [
        (f"{stem}.py", module_source(project, str(version), filename)),
        (f"{info}/METADATA", metadata),
        (f"{info}/WHEEL", ("\n".join(wheel_lines) + "\n").encode()),
    ]
    if payload_size:
        entries.insert(1, (f"{stem}_payload.bin", _payload(filename, payload_size)))
    record = "".join(_record_line(path, body) for path, body in entries) + f"{info}/RECORD,,\n"
    return _zipped([*entries, (f"{info}/RECORD", record.encode())])


def build_sdist(filename: str, *, project: str, version: str, metadata: bytes, payload_size: int = 0) -> bytes:
    """An sdist that carries its own build backend; a `.zip` name gives a zip."""
    stem = module_name(project)
    root = filename.removesuffix(".zip").removesuffix(".tar.gz")
    entries = [
        (f"{root}/PKG-INFO", metadata),
        (f"{root}/pyproject.toml", _PYPROJECT.encode()),
        (f"{root}/in_tree_backend.py", _BACKEND.encode()),
        (f"{root}/{stem}.py", module_source(project, version, filename)),
    ]
    if payload_size:
        entries.append((f"{root}/payload.bin", _payload(filename, payload_size)))
    if filename.endswith(".zip"):
        return _zipped(entries)
    return _tarred(entries)


def _payload(filename: str, size: int) -> bytes:
    return random.Random(filename).randbytes(size)  # noqa: S311 - filler that must repeat, not a secret


def _record_line(path: str, body: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(body)}\n"


def _zipped(entries: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, body in entries:
            item = zipfile.ZipInfo(path, _ZIP_EPOCH)
            item.external_attr = 0o644 << 16
            archive.writestr(item, body)
    return buffer.getvalue()


def _tarred(entries: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, body in entries:
            item = tarfile.TarInfo(path)
            item.size = len(body)
            item.mode = 0o644
            archive.addfile(item, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)
