"""Who may look at HQ's pages, and do what there: users, passwords, sessions, lock-out, and the journal of what they did."""
