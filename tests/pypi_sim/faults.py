"""What can go wrong on the way to the simulated index; set it at any time, it acts on the next request."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from packaging.utils import canonicalize_name

from tests.pypi_sim.model import File

HostFault = Literal["503html", "refuse", "hang"]
XmlRpcFault = Literal["503html", "gone", "ratelimit", "garbage", "fault", "hang"]
Breakage = Literal["truncated", "reset", "slow", "endless"]
PageLie = Literal["bomb", "hostile-names", "another-project", "not-utf8"]
PageFault = Literal["503html", "429", "404", "garbage", "empty", "no-files", "refuse", "hang"] | Breakage | PageLie


@dataclass(slots=True)
class FileFault:
    """How a body goes wrong on its way: that of a file, by its name, or that of a page."""

    status: int | None = None
    redirect_to: str | None = None
    is_endless: bool = False
    is_bomb: bool = False
    wrong_bytes: bool = False
    truncated_to: int | None = None
    shortened_to: int | None = None
    reset_after: int | None = None
    bytes_per_second: int | None = None
    first_byte_after: float = 0.0
    hold_after: int | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def streams(self) -> bool:
        """Whether the body has to be sent piece by piece."""
        pieces = (self.truncated_to, self.reset_after, self.bytes_per_second, self.hold_after)
        return any(piece is not None for piece in pieces)


class Faults:
    """All faults, off at first.

    Faults of files go by the last part of the URL: `x.whl` and `x.whl.metadata` misbehave apart.
    """

    def __init__(self) -> None:
        self.index_down: HostFault | None = None
        self.files_down: HostFault | None = None
        self.xmlrpc: XmlRpcFault | None = None
        self.origin_down = False
        self.listing: PageFault | None = None
        self.updates: PageFault | None = None
        """How the feed of new releases goes wrong."""
        self.pages: dict[str, PageFault] = {}
        self.redirects: dict[str, str] = {}
        self.provenance: bytes | None = None
        """What is sent instead of any file's provenance."""
        self.poured = 0
        """How many bytes of endless bodies clients took."""
        self.forget_deleted = False
        self.files: dict[str, FileFault] = {}
        self._forgotten: set[str] = set()

    def page(self, project: str, fault: PageFault | None) -> None:
        """Break the page of one project, or mend it with None.

        `429` asks for a minute of peace, `empty` sends no body, `no-files` a well-formed page that lists nothing,
        `bomb` little that unpacks to too much, `truncated` and `reset` half a page, `slow` a byte now and then,
        `endless` a page that never ends. What `hostile-names`, `another-project` and `not-utf8` say stands in `lies`.
        """
        canonical = canonicalize_name(project)
        self.redirects.pop(canonical, None)
        if fault is None:
            self.pages.pop(canonical, None)
        else:
            self.pages[canonical] = fault

    def redirect_page(self, project: str, target: str) -> None:
        """Answer the page of one project with a redirect to a path of the index host or to any other URL."""
        self.redirects[canonicalize_name(project)] = target

    def forget_file(self, filename: str) -> None:
        """The files host has lost the file and its metadata."""
        self._forgotten.add(filename)

    def remember_file(self, filename: str) -> None:
        """The files host has found the file again."""
        self._forgotten.discard(filename)

    def is_forgotten(self, filename: str) -> bool:
        """Whether the files host answers 404 for the file."""
        return filename in self._forgotten

    def on_deletion(self, file: File) -> None:
        """Called for each deleted file; with `forget_deleted` its bytes are gone at once."""
        if self.forget_deleted:
            self.forget_file(file.filename)

    def answer_with(self, filename: str, status: int) -> None:
        """Answer that status instead of the file."""
        self._file(filename).status = status

    def wrong_bytes(self, filename: str) -> None:
        """Send other bytes of the same length."""
        self._file(filename).wrong_bytes = True

    def truncate(self, filename: str, after: int = 1) -> None:
        """Promise the whole length, send `after` bytes, then close the connection."""
        self._file(filename).truncated_to = after

    def shorten(self, filename: str, to: int = 1) -> None:
        """Send only the first bytes as if they were everything."""
        self._file(filename).shortened_to = to

    def reset(self, filename: str, after: int = 0) -> None:
        """Reset the connection after that many bytes."""
        self._file(filename).reset_after = after

    def slow(self, filename: str, bytes_per_second: int) -> None:
        """Send no faster than that."""
        self._file(filename).bytes_per_second = bytes_per_second

    def redirect(self, filename: str, target: str) -> None:
        """Answer with a redirect to that URL."""
        self._file(filename).redirect_to = target

    def never_end(self, filename: str) -> None:
        """Send the file without saying how long it is, and go on after its end."""
        self._file(filename).is_endless = True

    def bomb(self, filename: str) -> None:
        """Send a gzip bomb instead, and say that it is an encoding."""
        self._file(filename).is_bomb = True

    def delay_first_byte(self, filename: str, seconds: float) -> None:
        """Wait before the answer begins."""
        self._file(filename).first_byte_after = seconds

    def hold(self, filename: str, after: int = 0) -> None:
        """Send `after` bytes and then nothing until `release`."""
        fault = self._file(filename)
        fault.hold_after = after
        fault.gate = asyncio.Event()

    def release(self, filename: str) -> None:
        """Let held answers go on, and do not hold later ones."""
        fault = self._file(filename)
        fault.hold_after = None
        fault.gate.set()

    def mend(self, filename: str) -> None:
        """Forget every fault of that name."""
        fault = self.files.pop(filename, None)
        if fault is not None:
            fault.gate.set()
        self._forgotten.discard(filename)

    def mend_all(self) -> None:
        """Back to a host without faults; files that were forgotten come back too."""
        for fault in self.files.values():
            fault.gate.set()
        vars(self).update(vars(Faults()))

    def _file(self, filename: str) -> FileFault:
        return self.files.setdefault(filename, FileFault())
