"""Assessments by use case: adding people, reading, moderating, and what raters gave."""
