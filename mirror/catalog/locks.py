"""The numbers of the advisory locks that are taken in the catalog: all of them here, so that no two are the same."""

MIGRATIONS = 7_305_112_001
"""Held while the schema is brought up to date."""
LEADERSHIP = 7_305_112_002
"""Held by the session of the watcher that leads."""
CONFIRMING = 7_305_112_003
"""Held by the transaction that confirms absences."""
ORDERS = 7_305_112_004
"""Shared by transactions that store files and look for orders; see `acts.keep_in_view`."""
WATCHLIST = 7_305_112_005
"""Shared by transactions that look whether a project is watched; held by one that adds to the list."""
LOCK_FEEDS = 7_305_112_015
"""Held by the transaction that adds a lock file's feed, so that there are never more than there may be."""
CLAIMS = 7305
"""The first half of two: the class of the locks that are claims. Such pairs are never the same as one whole number."""
