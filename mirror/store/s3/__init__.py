"""A store in a bucket of S3, or of a server that speaks its language.

`store` keeps the promises, with `upload`, `copying` and `reading`; `preflight` looks before the first use whether the
bucket can keep them. `bucket` is the one door to boto3, which blocks: it owns the threads, and nobody else sees them.
"""
