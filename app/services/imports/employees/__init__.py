"""The import of employees: their columns, and what becomes of the rows."""
