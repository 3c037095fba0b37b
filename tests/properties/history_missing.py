"""What is missing from pages though no row says why: since when, and what explains it."""

from dataclasses import dataclass
from datetime import timedelta

from tests.properties.history_nouns import Row, Shown
from tests.properties.history_trust import Trust

STATUS_EXPLAINS = timedelta(hours=24)


@dataclass
class Missing(Trust):
    """Evidence with what is missing."""

    def absent(self) -> None:
        """Upstream says that there is no such project."""
        for record in self.records.values():
            if self.gone(record) is None and not self.lies_in_quarantine(record):
                record.miss(self.now())

    # Inside

    def _explain(self, row: Row) -> None:
        """What a row says of files that are missing: it took them away, or a quarantine hides them."""
        hides_all = row.action == "project quarantined" and row.serial not in self.over
        for record in self.records.values():
            hides = hides_all or self._quarantines(row, record.entry.version)
            in_time = record.vanished_at is None or row.at <= record.vanished_at
            if self.departure(record) is not None or (hides and in_time and row.serial > record.last):
                record.is_explained()

    def _note_missing(self, page: Shown) -> None:
        listed = {(entry.filename, entry.sha256) for entry in page.entries}
        # Other bytes under its name say where a file has gone: it was replaced, and goes on here.
        taken = {entry.filename for entry in page.entries}
        hides_all = page.status == "quarantined"
        for key, record in self.records.items():
            vanished = record.vanished
            if self.departure(record) is not None:
                continue
            if key in listed:
                if vanished is not None:
                    self.back.add(key)
                record.is_explained()
            elif hides_all:
                if vanished is None or self.now() - vanished.at <= STATUS_EXPLAINS:
                    record.is_explained()
            elif self._release_is_quarantined(record.entry.version):
                if vanished is None:
                    record.is_explained()
            elif vanished is None and record.entry.filename in taken:
                record.is_explained()
            elif vanished is None:
                record.miss(self.now())
