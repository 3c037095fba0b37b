"""How this process counts, for itself or together with others: `metrics.stale_pages.inc()`.

The figures (`mirror.figures`) come into being when the first of them is used. Until then it can be chosen where they
are counted: in this process, which is the default, or in files in a directory (`shared_in`), which make any process of
a mirror able to tell what all of them counted.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, values
from prometheus_client import Counter as Counter
from prometheus_client import Histogram as Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from mirror.errors import StartError

if TYPE_CHECKING:
    from mirror.figures import *  # noqa: F403  # all of them, and nothing else

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What `exposed` is written in."""

# As prometheus-client names them: a file for each kind of figure and each process.
_KINDS = ("counter", "gauge_livesum", "gauge_mostrecent", "histogram")
_FILE_BYTES = 256 * 1024
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_registry = REGISTRY
_are_in_use = False


def __getattr__(name: str) -> object:
    """The figure of that name."""
    global _are_in_use  # whether they exist is a fact about this process
    if name.startswith("_"):
        raise AttributeError(name)
    figure = getattr(import_module("mirror.figures"), name)
    _are_in_use = True
    # Found without this function the next time.
    globals()[name] = figure
    return figure


@contextmanager
def shared_directory(directory: Path) -> Iterator[None]:
    """A fresh directory to count in; what those counted who used it before is forgotten, and it is gone at the end."""
    rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(parents=True, mode=0o700)
    except OSError as e:
        raise StartError(
            f"the directory {directory} cannot be made ({e.strerror}); name another with --data-dir"
        ) from e
    try:
        yield
    finally:
        rmtree(directory, ignore_errors=True)


def share(directory: Path, process: str) -> None:
    """Counts in files of the directory from now on, and tells what everybody who does so counted.

    No two processes that live at the same time may have the same name; one that has the name of a dead one goes on
    where that one ended.
    """
    global _registry
    if _are_in_use:
        raise RuntimeError("figures that are in use cannot be moved: choose where they are counted before")
    try:
        for kind in _KINDS:
            _reserve(directory / f"{kind}_{process}.db")
    except OSError as e:
        raise StartError(f"{directory} has no room to count in ({e.strerror}); free some space") from e
    os.environ[_VARIABLE] = str(directory)
    values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]  # the library's
    _registry = CollectorRegistry(support_collectors_without_names=True)
    MultiProcessCollector(_registry, str(directory))  # type: ignore[no-untyped-call]  # the library's, too


def died(directory: Path, process: str) -> None:
    """What a process had that counted in the directory is no more; what it counted remains."""
    mark_process_dead(process, str(directory))  # type: ignore[no-untyped-call]  # the library's


def exposed() -> bytes:
    """All figures, in Prometheus' text format."""
    return generate_latest(_registry)


def _reserve(path: Path) -> None:
    """Takes the room on the disk: writing into a mapped file for which there is none would end the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _FILE_BYTES)
    finally:
        os.close(descriptor)
