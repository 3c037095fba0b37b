"""Reading the index that is mirrored: its project pages and its files. Everything that comes from there is hostile.

`session` holds the only outgoing HTTP of this package, `index` asks for pages and `files` for bytes; `page` and `hosts`
are pure: what a page says, and which hosts files may come from.
"""
