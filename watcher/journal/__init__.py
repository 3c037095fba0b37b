"""What an index tells of news: its journal, and the feed of new releases for as long as that cannot be read.

`client` asks the journal and is the only speaker of XML-RPC; `continued` sees whether it goes on from where it was
read. `updates` asks for the feed. `parse` and `rss` are pure: a row as delivered becomes one variant of
`mirror.journal_rows`, and a feed a few releases.
"""
