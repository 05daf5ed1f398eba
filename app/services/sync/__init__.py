"""Delta synchronisation: what has changed since a client asked last, from the audit log."""
