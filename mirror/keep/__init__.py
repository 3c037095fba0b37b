"""Keeping: fetch, verify, put, record. The only way bytes enter the store.

`wanted` says what may be asked for, `keeper` lets all who want the same bytes share one download, `download` is one of
them, `spool` the file in which it grows, `threads` keeps blocking calls out of the event loop.

No body is completed towards anybody before its size and digest were checked, and nothing is recorded before the store
has it for good. A crash between the two is made good by the next one who asks: the object is adopted, not fetched.
"""

from mirror.keep.download import Download
from mirror.keep.keeper import Keeper
from mirror.keep.spool import clean_spool
from mirror.keep.wanted import Kept, Wanted

__all__ = ["Download", "Keeper", "Kept", "Wanted", "clean_spool"]
