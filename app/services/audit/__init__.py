"""The audit log: sequencing and signing it, proving it, and reading it.

Events come from the database's triggers (writes) and from the recorder (reads). The rest
happens after the fact, so that no request waits for it: `sequencing` gives events their place,
`checkpoints` signs what the log is, `verification` and `proofs` hold it to that.
"""
