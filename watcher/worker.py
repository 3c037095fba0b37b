"""One of several processes that answer clients: `python -m watcher.worker`, started by `watcher.workers` alone.

It answers every URL of the mirror, with a pool, a session and a memory of its own. What is done once for all of them
(migrations, leftovers of the dead, what only the index shows to be gone) its parent does.
"""

import ctypes
import os
import pickle
import signal
import socket
import sys
from contextlib import AsyncExitStack

from mirror import logs, metrics
from mirror.errors import EverpinError
from watcher import loop
from watcher.compose import mirror_application, shared_parts_of
from watcher.serving import asked_to_stop, serving
from watcher.workers import READY, Order

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answers until the parent asks to stop, or is no more."""
    parent, descriptor = map(int, sys.argv[1:])
    _die_with(parent)
    with socket.socket(fileno=descriptor) as bound:
        told = sys.stdin.buffer.read()
        if not told:
            return  # the parent's own start came to nothing
        order: Order = pickle.loads(told)  # noqa: S301  # our parent's, by a way that nobody else has
        logs.configure(order.settings.log)
        try:
            metrics.share(order.figures, order.name)
            loop.run(_answer(order, bound))
        except EverpinError as e:
            _say(" ".join(str(e).split()))
            sys.exit(2)


async def _answer(order: Order, bound: socket.socket) -> None:
    asked = asked_to_stop()
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(shared_parts_of(order.settings))
        app = await stack.enter_async_context(mirror_application(parts))
        await stack.enter_async_context(serving(app, bound, access_log=order.settings.log.access))
        _say(READY)
        await asked.wait()


def _die_with(parent: int) -> None:
    """Has the kernel end this process when its parent ends, even if that was given no chance to say so."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot ask for a signal at the parent's death")
    # A parent that died before the line above sends nothing any more.
    if os.getppid() != parent:
        sys.exit("everpin: the process that started this one has ended")


def _say(word: str) -> None:
    print(word, flush=True)  # noqa: T201  # standard output is the way to the parent


if __name__ == "__main__":
    main()
