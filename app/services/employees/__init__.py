"""Employees: an identity that stays, and dated facts about it. One module a use case."""
