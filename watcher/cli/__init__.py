"""The `everpin` command: every verb.

`group` is the command itself and what all verbs share, `serve` the long-lived verbs, `ask` and `status` those that read
the catalog, `act` those with which operators intervene, `adopt` those that compare the store with what it should hold,
`keep` and `watchlist` those that choose what is kept, `policies` shows what is true of every instance.
"""

from watcher.cli import act, adopt, ask, keep, serve, watchlist
from watcher.cli.group import everpin, main
from watcher.cli.policies import policies
from watcher.cli.status import status

for verb in (serve.up, serve.mirror, serve.watch, serve.migrate_database):
    everpin.add_command(verb)
for verb in act.VERBS:
    everpin.add_command(verb)
for verb in (adopt.import_, adopt.verify):
    everpin.add_command(verb)
for verb in (keep.keep, watchlist.watchlist):
    everpin.add_command(verb)
for verb in (ask.events, ask.explain, status, ask.config, policies):
    everpin.add_command(verb)

__all__ = ["main"]
