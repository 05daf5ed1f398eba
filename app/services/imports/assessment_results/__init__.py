"""The import of what a provider's assessors found: columns, and what becomes of the rows."""
