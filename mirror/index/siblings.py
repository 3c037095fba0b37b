"""What stands beside a file: its metadata (PEP 658) and its provenance (PEP 740)."""

from collections.abc import Iterator

import msgspec

from mirror.index.paths import Kind
from mirror.model import FileFacts

PROVENANCE_TYPE = "application/vnd.pypi.integrity.v1+json"
"""What PyPI serves provenance as, and what clients ask for."""


def lacking_siblings(file: FileFacts) -> Iterator[Kind]:
    """Those that upstream has, or had, and the store has not."""
    if file.listed_file.core_metadata is not False and file.metadata_stored_at is None:
        yield Kind.METADATA
    if file.listed_file.provenance is not None and file.provenance_sha256 is None:
        yield Kind.PROVENANCE


class _Provenance(msgspec.Struct):
    """PEP 740: an object with a version and the bundles."""

    version: int
    attestation_bundles: list[dict[str, object]]


_decoder = msgspec.json.Decoder(_Provenance)


def is_provenance(body: bytes) -> bool:
    """Whether this is a provenance object, and not an error page. Who signed what is for clients to verify."""
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The first is for wrong types and syntax, the second for bad UTF-8, the third for a tower of brackets.
        return False
    return True
