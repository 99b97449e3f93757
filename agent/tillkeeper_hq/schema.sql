-- HQ's database. One row per log; one row per place in a log (who came first holds it); everything rejected stays visible.

-- A log is what one register wrote in one incarnation. `held_seq`: held up to here without a gap. `head_hash`: the hash that
-- the event at `held_seq` says it has; the next event must name it.
CREATE TABLE IF NOT EXISTS logs (
    log_id       INTEGER PRIMARY KEY,
    store        TEXT NOT NULL,
    register     TEXT NOT NULL,
    incarnation  TEXT NOT NULL,
    held_seq     INTEGER NOT NULL DEFAULT 0,
    head_hash    TEXT NOT NULL,
    rejected     INTEGER NOT NULL DEFAULT 0,
    last_seen_ms INTEGER NOT NULL,
    UNIQUE (store, register, incarnation)
) STRICT;

-- `body` byte for byte as the register wrote it. `rejected`: the reason, empty for a stored event.
CREATE TABLE IF NOT EXISTS events (
    log_id       INTEGER NOT NULL REFERENCES logs,
    seq          INTEGER NOT NULL,
    hash         TEXT NOT NULL,
    prev_hash    TEXT NOT NULL,
    type         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    body         BLOB NOT NULL,
    rejected     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (log_id, seq)
) STRICT, WITHOUT ROWID;

-- The envelope as it came (JSON). One row per identity, content and reason, however often it was sent.
CREATE TABLE IF NOT EXISTS quarantine (
    quarantine_id INTEGER PRIMARY KEY,
    log_id        INTEGER NOT NULL REFERENCES logs,
    seq           INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    envelope      BLOB NOT NULL,
    received_ms   INTEGER NOT NULL,
    UNIQUE (log_id, seq, digest)
) STRICT;

-- Texts about people, beside the chain: erasing a row leaves the chain as it is.
CREATE TABLE IF NOT EXISTS personal (
    log_id INTEGER NOT NULL REFERENCES logs,
    seq    INTEGER NOT NULL,
    digest TEXT NOT NULL,
    salt   TEXT NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (log_id, seq, digest)
) STRICT, WITHOUT ROWID;

-- `next_number` only ever rises: a number is never used twice.
CREATE TABLE IF NOT EXISTS stores (
    store       TEXT PRIMARY KEY,
    next_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS checks (
    store        TEXT NOT NULL,
    check_id     TEXT NOT NULL,
    number       INTEGER NOT NULL,
    log_id       INTEGER NOT NULL REFERENCES logs,
    opened_seq   INTEGER NOT NULL,
    ticket_code  TEXT NOT NULL,
    business_day TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'open',
    totals       BLOB,
    refunded_minor INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (store, check_id),
    UNIQUE (store, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS checks_by_code ON checks (store, ticket_code, business_day);

-- The accounts of `tillkeeper.contract.books`. `quarantined` = 1: what rejected events would add; shown beside, never mixed in.
CREATE TABLE IF NOT EXISTS books (
    store        TEXT NOT NULL,
    quarantined  INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    PRIMARY KEY (store, quarantined, business_day, kind, name)
) STRICT, WITHOUT ROWID;

-- The roster of a store: what its authority signed (`tillkeeper.contract.roster`). `statement`: the bytes that are signed.
CREATE TABLE IF NOT EXISTS statements (
    store     TEXT NOT NULL,
    statement BLOB NOT NULL,
    signed    BLOB NOT NULL,
    PRIMARY KEY (store, statement)
) STRICT, WITHOUT ROWID;
