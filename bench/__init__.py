r"""Measurements, each a ratio against the limit: bare asyncpg, `psql \\copy`, pgbench.

Both sides of a ratio run in one process's lifetime on the same database, turn about, so that a
busy machine slows both. The numbers are for people; no test depends on them.
"""
