"""What projects, files and moments of the journal are known by: names, digests, serials, versions.

"The same version" always means PEP 440 equality: 4.60.5 is 4.60.5.0. Compare with `same_version_key`, never as text.
"""

import re
from functools import lru_cache
from typing import NewType

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

ProjectName = NormalizedName
Serial = NewType("Serial", int)
LARGEST_SERIAL = 2**31 - 1
"""The largest serial that can be asked for: the `int` of XML-RPC has 32 bits."""
Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""

_NAME = re.compile(r"\A([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)
_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")
_LONGEST_NAME = 256


def project_name(text: str) -> ProjectName | None:
    """The normalised name (PEP 503), or None where the text cannot be a project's name."""
    if len(text) > _LONGEST_NAME or not _NAME.match(text):
        return None
    return canonicalize_name(text)


def sha256(text: str) -> Sha256 | None:
    """The digest in lower case, or None where the text is not a sha256."""
    lowered = text.lower()
    return Sha256(lowered) if _SHA256.match(lowered) else None


@lru_cache(maxsize=65536)
def same_version_key(version: str) -> str:
    """A text that two versions share exactly when PEP 440 calls them equal; others are equal only to themselves."""
    try:
        parsed = Version(version)
    except ValueError:  # InvalidVersion is one; numbers of thousands of digits are another
        return version.strip().lower()
    release = parsed.release
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return f"{parsed.epoch}!{'.'.join(map(str, release))}|{parsed.pre}|{parsed.post}|{parsed.dev}|{parsed.local}"
