"""Bringing in employees from a file: columns, cells, tables, templates."""
