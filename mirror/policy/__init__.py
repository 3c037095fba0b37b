"""Deletion policies: would other registries' rules, or rules that were proposed for PyPI, have allowed a deletion?

Pure: a `Deletion` goes in, a verdict for each policy comes out: allow, refuse, or unknown where an input is missing. A
verdict is about a user who deletes; administrators always may, and who did it is not published. Verdicts inform; they
decide nothing about what is served.

`deletion` has the nouns, `truth` the logic of three values, `conditions` what several rules ask, `ruling` makes a
verdict of an answer. The rules stand by family: `pypi` those of PyPI and for it, `registries` those of others that look
at the deletion, `fixed` those that always say the same.

Two texts on the matter are left out because no verdict follows from them: the OpenSSF's guide of 2025, a check-list
without thresholds, and PEP 541, which is about handing names on and not about deletions.
"""

from mirror.policy.deletion import Deletion, Downloads, Removed
from mirror.policy.fixed import CPAN, CRAN, GO, HACKAGE, LUAROCKS, MAVEN_CENTRAL, NUGET, OPAM
from mirror.policy.pypi import GEDAM_2022, PEP763, PEP763_DRAFT0, PYPI_CURRENT, STUFFT_2022_OP, STUFFT_2023_71
from mirror.policy.registries import CRATES_IO, GITHUB_PACKAGES, HEX, NPM, PACKAGIST, RUBYGEMS
from mirror.policy.ruling import Policy, Ruling, Verdict

POLICIES: tuple[Policy, ...] = (
    PYPI_CURRENT,
    PEP763,
    PEP763_DRAFT0,
    STUFFT_2022_OP,
    STUFFT_2023_71,
    GEDAM_2022,
    NPM,
    CRATES_IO,
    RUBYGEMS,
    HEX,
    NUGET,
    PACKAGIST,
    CRAN,
    MAVEN_CENTRAL,
    GITHUB_PACKAGES,
    OPAM,
    HACKAGE,
    LUAROCKS,
    CPAN,
    GO,
)
"""Every policy, in the order in which they are shown."""


def verdicts(deletion: Deletion) -> tuple[tuple[str, str], ...]:
    """What each policy says of the deletion: its id and one word."""
    return tuple((policy.id, policy.ruling(deletion).verdict.value) for policy in POLICIES)


__all__ = ["POLICIES", "Deletion", "Downloads", "Policy", "Removed", "Ruling", "Verdict", "verdicts"]
