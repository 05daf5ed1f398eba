"""Results of assessments: made from ratings by dated rules, never changed, recomputable."""
