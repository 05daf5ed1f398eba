"""Kemuning: the civil service of a local government, arranged in the open."""
