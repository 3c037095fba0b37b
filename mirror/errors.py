"""The errors that cross rooms.

A library's exception is caught at the door of the room that uses the library and raised again as one of these,
`from` the original. `str()` of each is one clear sentence. Two failures are never mixed up: *not there* is an answer,
*could not know* is the lack of one.
"""


class EverpinError(Exception):
    """Base of everything raised on purpose."""


class StartError(EverpinError):
    """A start that cannot succeed or input that cannot be used; the sentence names the way out. Exit status 2."""


class CatalogUnavailableError(EverpinError):
    """PostgreSQL could not be asked."""


class NotTheLeaderError(EverpinError):
    """Another watcher does this now; nothing was written."""


class NotThereError(EverpinError):
    """The one who was asked knows: there is no such thing."""


class UpstreamUnavailableError(EverpinError):
    """Upstream could not be asked, or its answer cannot be believed. Says nothing about what exists."""


class BusyElsewhereError(UpstreamUnavailableError):
    """Another process of this mirror is at it and takes long; to be asked again soon."""


class PrivateNameError(UpstreamUnavailableError):
    """By this mirror's own settings upstream is not asked for that project; whether it has one is not known."""


class RefusedError(EverpinError):
    """By this mirror's own settings it does not do that; asking again changes nothing."""


class TooLargeError(RefusedError):
    """The file is larger than this mirror fetches."""


class WrongBytesError(EverpinError):
    """A body is complete but is not what its digest or size promised."""


class StoreError(EverpinError):
    """The store could not read or write; what it holds is unchanged."""


class NoRoomError(StoreError):
    """There is no room for more: the disk or the bucket is full, or a quota is used up."""
