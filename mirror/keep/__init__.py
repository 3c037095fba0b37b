"""Keeping: fetch, verify, put, record. The only way bytes enter the store.

`wanted` says what may be asked for and `means` what with; `keeper` lets all who want the same bytes share one
`download`. That gets them by `fetching` or, where another process is at it, by `following`; `handout` is what its
readers see of them. `spool` is the file in which it grows, `writer` fills it, `tail` reads that of another process,
`threads` keeps blocking calls out of the event loop.

No body is completed towards anybody before its size and digest were checked, and nothing is recorded before the store
has it for good. What cannot be kept, as on a full disk, is verified all the same. A crash between the two is made good
by the next one who asks: the object is adopted, not fetched.
"""

from mirror.keep.download import Download
from mirror.keep.keeper import Keeper
from mirror.keep.means import Means
from mirror.keep.spool import clean_spool
from mirror.keep.wanted import Kept, Wanted

__all__ = ["Download", "Keeper", "Kept", "Means", "Wanted", "clean_spool"]
