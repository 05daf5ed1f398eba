"""HTTP in, HTTP out: each router translates for one noun, and knows no other."""
