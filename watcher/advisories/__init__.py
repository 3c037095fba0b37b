"""Advisories of malware, read from a source that publishes OSV's records of PyPI.

`client` asks the source, `archive` reads the file of all records, `changes` the list of those that were modified;
`reader` decides which of them to ask for and has what came applied (`mirror.observe`). A record that is no longer there
takes nothing back: those that were an error are marked as withdrawn, not deleted, and an archive that lacks some is
more likely to be broken.
"""

from watcher.advisories.reader import AdvisoryReader, reader_of

__all__ = ["AdvisoryReader", "reader_of"]
