"""Who may do what: the table of operations, and per noun the row rules."""
