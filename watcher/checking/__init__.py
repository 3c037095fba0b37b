"""What has become of what is pinned: pins against what is remembered.

- `asking`     the way in: pins -> findings, by what the catalog knows today
- `findings`   what is found of a pin; `evidence` what it is judged by
- `judging`    the judgement; `shelf` finds files for it, `past` rows, `outlook` the releases to move to; `wording` and
  `advising` say it
- `choosing`   which pins are this mirror's business
- `report`     findings as JSON, and JSON as findings of another mirror; `remote` asks that one
- `text`, `sarif`, `workflow`  findings for people, for code scanning, for GitHub's log; `groups` of what is said once
"""

from watcher.checking.asking import check_pins
from watcher.checking.findings import Finding, PinState, is_finding

__all__ = ["Finding", "PinState", "check_pins", "is_finding"]
