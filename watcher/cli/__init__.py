"""The `everpin` command: every verb.

`group` is the command itself and what all verbs share, `serve` the long-lived verbs, `ask` those that read the catalog.
"""

from watcher.cli import ask, serve
from watcher.cli.group import everpin, main

for verb in (serve.up, serve.mirror, serve.watch, serve.migrate_database):
    everpin.add_command(verb)
for verb in (ask.events, ask.explain, ask.status, ask.config):
    everpin.add_command(verb)

__all__ = ["main"]
