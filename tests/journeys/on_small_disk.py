"""Runs as a program in front of another: gives it a small disk of its own at a directory, and becomes that program.

    python on_small_disk.py DIRECTORY SIZE PROGRAM ARGUMENTS...

The disk is a tmpfs in a mount namespace of the program's own: nobody else sees it there, and it is gone when the last
process that has it ends, however that ends. Root may do that at once. Anybody else may where the kernel lets ordinary
users make user namespaces; they stay who they are in theirs. From outside the disk is found below `/proc/PID/root`.
"""

import ctypes
import os
import sys
from pathlib import Path

_NEW_MOUNTS = 0x0002_0000  # CLONE_NEWNS
_NEW_USERS = 0x1000_0000  # CLONE_NEWUSER
_PRIVATE_EVERYWHERE = 0x4000 | 0x4_0000  # MS_REC | MS_PRIVATE


def main(directory: str, size: str, *command: str) -> None:
    """Makes the disk and runs the command on it."""
    try:
        _own_mounts()
        _mount("none", "/", "", _PRIVATE_EVERYWHERE, "")
        _mount("tmpfs", directory, "tmpfs", 0, f"size={size},mode=755,uid={os.geteuid()},gid={os.getegid()}")
    except OSError as e:
        sys.exit(f"this machine lets us mount no small disk ({e}): run as root, or allow user namespaces")
    os.execv(command[0], command)  # noqa: S606  # no shell is wanted


def _own_mounts() -> None:
    if os.geteuid() == 0:
        _call("unshare", _NEW_MOUNTS)
        return
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _NEW_USERS | _NEW_MOUNTS)
    # user_namespaces(7): without this first, an ordinary user may not map a group.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), flags, options.encode())


def _call(name: str, *arguments: bytes | int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
