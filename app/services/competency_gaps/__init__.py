"""Where competencies fall short, and who fits which seat: over everybody, for the agency."""
