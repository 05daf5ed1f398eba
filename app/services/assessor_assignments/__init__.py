"""Raters by use case: assigning them, their forms, and what they give."""
