"""Who holds which seat, over which days: reading, placing, choosing the seat, leaving it."""
