"""Positions (jabatan): what they are, where they stand and how many seats they have."""
