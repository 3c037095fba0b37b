"""What everpin remembers: the only SQL and the only door to PostgreSQL.

`database` opens connections and transactions and runs the migrations; every other module holds the statements about one
table, as literals next to the call. Functions take a connection, so that the caller decides what is one transaction.
Start with `migrations/0001_create.sql`.
"""
