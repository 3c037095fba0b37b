"""Runs as a program between everpin and PostgreSQL: drops to another user, ties its life to its parent's, and execs.

Only the standard library, by path, in isolated mode: doing this in a fresh interpreter instead of between `fork` and
`exec` of a process full of threads cannot deadlock.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become `command` as the user asked for, to be signalled when the parent's thread that started us ends."""
    parent, death_signal, uid, gid, groups, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    os.umask(0o077)
    if uid:
        os.setgroups([int(group) for group in groups.split(",") if group])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # prctl(2): the setting is cleared when credentials change, so it comes after setuid.
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot ask for a signal at the parent's death")
    # A parent that died before the line above sends nothing any more.
    if os.getppid() != int(parent):
        sys.exit("the process that started this one has ended")
    os.execv(command[0], command)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[6]}: {error.strerror}")
