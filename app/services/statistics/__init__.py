"""Counts for the public: made from profiles, protected, frozen."""
