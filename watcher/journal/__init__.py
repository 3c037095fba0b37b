"""The journal of an index: asked by `client`, its rows read by `parse`.

`client` is the only speaker of XML-RPC. `parse` is pure: a row as delivered becomes one variant of
`mirror.journal_rows`.
"""
