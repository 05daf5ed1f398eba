"""What Kemuning does, one module a noun: functions of a session or reader, and an actor."""
