"""Those who publish advisories in a history: what they call malware, what they take back, and when they are silent."""

from dataclasses import dataclass, field

from tests.osv_sim import ALL_VERSIONS, OsvSim
from tests.properties.history_acts import Step
from tests.properties.history_bans import Meaning

_BELOW = "1.1"


@dataclass
class Advisers:
    """The source with what its records mean now, by their ids; what was withdrawn means nothing."""

    osv: OsvSim
    said: dict[str, Meaning] = field(default_factory=dict)

    def act(self, step: Step) -> bool:
        """Lets it happen; False where it is nothing that they do."""
        match step.verb:
            case "advise":
                self._publish(f"MAL-2026-{step.that}", step)
            case "withdraw":
                if self.said.pop(f"MAL-2026-{step.that}", None) is not None:
                    self.osv.withdraw(f"MAL-2026-{step.that}")
            case "advisers_down":
                self._fail(("down", None, "truncated", "nonsense", None)[step.this % 5])
            case _:
                return False
        return True

    def mend(self) -> None:
        """Everybody hears them again."""
        self.osv.faults.clear()

    @property
    def are_heard(self) -> bool:
        return not self.osv.faults

    def _publish(self, id_: str, step: Step) -> None:
        if step.this in (4, 5):
            self.said[id_] = Meaning(step.name)
            self.osv.publish(id_, step.name, ranges=[ALL_VERSIONS])
        elif step.this in (6, 7):
            self.said[id_] = Meaning(step.name, below=_BELOW)
            events = [{"introduced": "0"}, {"fixed": _BELOW}]
            self.osv.publish(id_, step.name, ranges=[{"type": "ECOSYSTEM", "events": events}])
        else:
            self.said[id_] = Meaning(step.name, (step.version,))
            self.osv.publish(id_, step.name, versions=[step.version])

    def _fail(self, fault: str | None) -> None:
        if fault is None:
            self.osv.faults.clear()
        else:
            self.osv.faults["*"] = fault  # type: ignore[assignment]  # one of those above
