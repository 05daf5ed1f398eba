"""Objections (keberatan) to results: filed by the person, heard, and ruled on by somebody else."""
