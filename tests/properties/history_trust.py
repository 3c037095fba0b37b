"""What an operator said of files by releasing them, and what ends it: whoever spoke knew nothing of what came later."""

from collections.abc import Mapping

from tests.properties.history_bans import Meaning
from tests.properties.history_evidence import Evidence
from tests.properties.history_nouns import Record, Row


class Trust(Evidence):
    """Evidence with what operators said of it."""

    def heed(self, before: Mapping[str, Meaning]) -> None:
        """Other advisories were read: an operator who vouched for a file did not know of those that are new to it."""
        for record in self.records.values():
            version = record.entry.version
            known = {id_ for id_, meaning in before.items() if meaning.means(self.name, version)}
            if self.bans.advisories(self.name, version) - known:
                record.vouched = False

    def acquit(self, record: Record) -> None:
        """A file leaves: one that an operator released is no stranger any more, as far as was known until now."""
        if record.released:
            record.late = False
            record.acquitted = min(record.last, self.rows[-1].serial if self.rows else 0)

    # Inside

    def _end_vouches(self, row: Row | None = None) -> None:
        """A quarantine of everything, or of the version that the row names: who vouched did not know of it."""
        for record in self.records.values():
            if row is None or row.is_of(record.entry.version):
                record.vouched = False
