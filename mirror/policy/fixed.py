"""Registries whose rule does not look at what is deleted: the same answer for every deletion."""

from mirror.policy.deletion import Deletion
from mirror.policy.ruling import Policy
from mirror.policy.truth import Truth


def _always(_: Deletion) -> Truth:
    return True


def _never(_: Deletion) -> Truth:
    return False


def _by_other_criteria(_: Deletion) -> Truth:
    return None


_UNVERIFIED = "appendix of PEP 763, 2024-10, not verified since"

NUGET = Policy("nuget", "NuGet", "never; users can only unlist", "NuGet's documentation, “Deleting packages”", _never)
CRAN = Policy("cran", "CRAN", "never; CRAN itself moves packages to its archive", "CRAN's repository policy", _never)
MAVEN_CENTRAL = Policy(
    "maven-central", "Maven Central", "never, once published", "Maven Central's publishing documentation", _never
)
OPAM = Policy(
    "opam",
    "opam",
    "a version needs an old compiler, cannot be installed or lost its source or its purpose; PyPI tells none of that",
    "the repository's archiving policy (governance/policies/archiving.md)",
    _by_other_criteria,
)
HACKAGE = Policy("hackage", "Hackage", "never; users can only deprecate", _UNVERIFIED, _never)
LUAROCKS = Policy("luarocks", "LuaRocks", "always; an archive remains", _UNVERIFIED, _always)
CPAN = Policy("cpan", "CPAN", "always, and encouraged", _UNVERIFIED, _always)
GO = Policy(
    "go",
    "Go modules",
    "never; the module proxy keeps its copy, users can only retract",
    "appendix of PEP 763, 2024-10; OpenSSF's guide on package deletion, 2025-04",
    _never,
)
