"""The running register: where sales, kitchen, spool, journal and replication meet. Shells only; the rules are elsewhere."""
