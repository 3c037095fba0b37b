"""The `everpin` command: every verb.

`group` is the command itself and what all verbs share, `serve` the long-lived verbs, `ask`, `events` and `status` those
that read the catalog, `act` and `redact` those with which operators intervene, `adopt` those that compare the store
with what it should hold, `keep` and `watchlist` those that choose what is kept, `webhooks` those about where events are
pushed to, `check` what has become of lock files, `config` shows the settings, `policies` what is true of
every instance.
"""

from watcher.cli import act, adopt, ask, keep, serve, watchlist
from watcher.cli.check import check
from watcher.cli.config import config
from watcher.cli.events import events
from watcher.cli.group import everpin, main
from watcher.cli.policies import policies
from watcher.cli.redact import redact
from watcher.cli.status import status
from watcher.cli.webhooks import webhooks_

for verb in (serve.up, serve.mirror, serve.watch, serve.migrate_database):
    everpin.add_command(verb)
for verb in (*act.VERBS, redact):
    everpin.add_command(verb)
for verb in (adopt.import_, adopt.verify):
    everpin.add_command(verb)
for verb in (keep.keep, watchlist.watchlist):
    everpin.add_command(verb)
for verb in (check, events, ask.explain, status, webhooks_, config, policies):
    everpin.add_command(verb)

__all__ = ["main"]
