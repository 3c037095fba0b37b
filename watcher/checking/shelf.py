"""Which of a project's files a pin can mean. Pure."""

from collections.abc import Iterable, Sequence

from mirror.index.merge import last_lives
from mirror.model import FileFacts, State
from mirror.names import Sha256, same_version_key
from watcher.locks import Pin

_NEVER = frozenset({State.BLOCKED, State.PURGED})


class Shelf:
    """The files of one project by what pins name, sorted once however many pins are asked about."""

    def __init__(self, files: Iterable[FileFacts]) -> None:
        self._of_digest: dict[Sha256, list[FileFacts]] = {}
        self._of_version: dict[str, list[FileFacts]] = {}
        for file in last_lives(files):
            if file.sha256 is not None:
                self._of_digest.setdefault(file.sha256, []).append(file)
            if file.version is not None:
                self._of_version.setdefault(same_version_key(file.version), []).append(file)

    def meant(self, pin: Pin) -> Sequence[FileFacts]:
        """The files that the pin can mean; of those with its digest only the forbidden ones, where there are any."""
        if pin.sha256 is None:
            return [file for file in self.of_version(pin) if pin.filename in (None, file.filename)]
        same = self._of_digest.get(pin.sha256, [])
        forbidden = [file for file in same if file.state in _NEVER]
        return forbidden or [file for file in same if _is_of(file, pin)]

    def of_version(self, pin: Pin) -> Sequence[FileFacts]:
        """The files of the version that the pin names."""
        return [] if pin.version is None else self._of_version.get(same_version_key(pin.version), [])


def _is_of(file: FileFacts, pin: Pin) -> bool:
    if pin.version is None or file.version is None:
        return True
    return same_version_key(file.version) == same_version_key(pin.version)
