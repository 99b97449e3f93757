"""What printers have in common, whatever commands they take: one connection, one job at a time, and what became of it."""
