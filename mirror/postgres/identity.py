"""The user PostgreSQL runs as, and what that user can reach.

PostgreSQL refuses to run as root. As root we therefore drop to the user who owns the data already, else to `postgres`,
else to `nobody`; as anybody else we stay who we are.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from mirror.errors import StartError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Identity:
    """A user with groups; `foreign` when it is not the one this process runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    foreign: bool


def server_identity(*owned: Path) -> Identity:
    """The user the server has to run as; `owned` are paths whose present owner, if any, is to be kept."""
    uid = os.geteuid()
    if uid != 0:
        return Identity(_name_of(uid), uid, os.getegid(), tuple(os.getgroups()), foreign=False)
    for path in owned:
        try:
            stat = path.stat()
        except OSError:  # not there yet, or soon refused with its reason
            continue
        if stat.st_uid != 0:
            return _identity_of(stat.st_uid, stat.st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return _identity_of(entry.pw_uid, entry.pw_gid)
    raise StartError(
        "PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody to run it as: "
        "add one (useradd --system postgres) or run everpin as another user"
    )


def blocked_at(path: Path, identity: Identity, *, bits: int) -> Path | None:
    """The first part of a path, from the root down, that keeps `identity` from its end; or None.

    `bits` are needed at the end (4 to read, 1 to execute or enter), entering on the way there.

    Judged by permission bits, like the kernel does for a user without privileges (access control lists aside).
    """
    resolved = path.resolve()
    for parent in reversed(resolved.parents):
        if not _permits(parent, identity, 0o1):
            return parent
    return None if _permits(resolved, identity, bits) else resolved


def owner_name(path: Path) -> str:
    """The name of a path's owner, or its number if it has no name."""
    return _name_of(path.stat().st_uid)


def _permits(path: Path, identity: Identity, bits: int) -> bool:
    stat = path.stat()
    if stat.st_uid == identity.uid:
        return (stat.st_mode >> 6) & bits == bits
    if stat.st_gid == identity.gid or stat.st_gid in identity.groups:
        return (stat.st_mode >> 3) & bits == bits
    return stat.st_mode & bits == bits


def _identity_of(uid: int, gid: int) -> Identity:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Identity(str(uid), uid, gid, (), foreign=True)
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Identity(entry.pw_name, uid, entry.pw_gid, groups, foreign=True)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
