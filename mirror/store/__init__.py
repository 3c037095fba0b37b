"""The bytes. Objects are whole, immutable and named by their sha256.

`interface` is what every store promises, `keys` names objects. `directory` keeps them as files on this host, with
`durable` files that `walk` finds again; `s3` keeps them in a bucket, and is only imported where there is one.
`checked` reads what is there without believing it.
"""
