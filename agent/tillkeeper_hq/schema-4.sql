-- Format 4: orders of web shops.

-- `shop_id`: the shop's own id; `digest`: SHA-256 of what it asked. `body`: the order as JSON, empty once it is settled: it holds
-- names and telephone numbers. `register`: who has it, or placed it. `doubled`: it was handed out a second time.
CREATE TABLE online_orders (
    order_id    INTEGER PRIMARY KEY,
    store       TEXT NOT NULL,
    shop_id     TEXT NOT NULL,
    digest      BLOB NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    settled_ms  INTEGER NOT NULL DEFAULT 0,
    register    TEXT NOT NULL DEFAULT '',
    code        TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    doubled     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (store, shop_id)
) STRICT;

CREATE INDEX online_orders_by_state ON online_orders (store, state, order_id);

-- Each register that an order was given to, and what became of it there; `outcome` empty while that is not known.
CREATE TABLE online_handed (
    order_id    INTEGER NOT NULL REFERENCES online_orders ON DELETE CASCADE,
    register    TEXT NOT NULL,
    handed_ms   INTEGER NOT NULL,
    outcome     TEXT NOT NULL DEFAULT '',
    check_id    TEXT NOT NULL DEFAULT '',
    ticket_code TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, register)
) STRICT, WITHOUT ROWID;

-- Who asks for the orders of a store. The epoch: the highest that anybody asked under.
CREATE TABLE online_leases (
    store            TEXT PRIMARY KEY,
    register         TEXT NOT NULL,
    until_ms         INTEGER NOT NULL,
    counter          INTEGER NOT NULL,
    decided_by       TEXT NOT NULL,
    primary_asked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE online_registers (
    store    TEXT NOT NULL,
    register TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    PRIMARY KEY (store, register)
) STRICT, WITHOUT ROWID;

-- Assignments of roles are few among many events.
CREATE INDEX events_roles ON events (log_id, seq) WHERE type = 'roles_assigned';
