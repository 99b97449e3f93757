-- Format 6: what HQ has agreed to as a witness of a store's roles: the epoch (a counter, and who would decide), one per store.
CREATE TABLE role_votes (
    store      TEXT PRIMARY KEY,
    counter    INTEGER NOT NULL,
    decided_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
