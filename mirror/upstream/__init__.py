"""Reading the index that is mirrored: its project pages and its files. Everything that comes from there is hostile.

`session` holds the only outgoing HTTP of this package, `index` asks for pages and the list of projects, `files` for
bytes; `turns` says how often what no client waits for may be asked. `page`, `listing`, `hosts` and `limits` are pure:
what a page says, what the list says, which hosts files may come from, and how long the index wants to be left alone.
"""
