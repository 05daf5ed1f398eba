"""The demo government, Kabupaten Kemuning: wholly invented, and the same for the same seed."""
