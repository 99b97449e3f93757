-- The journal of one register. Version 1. Times are wall clock in ms since the epoch, for people, never an order.
-- Texts of JSON are stored as they were written and are never encoded anew.

-- Whose journal this is: one row. A file of another register is never written to.
CREATE TABLE owner (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    store    TEXT NOT NULL,
    register TEXT NOT NULL
) STRICT;

-- One row per incarnation of the register; the highest log_no is the one being written.
CREATE TABLE logs (
    log_no      INTEGER PRIMARY KEY,
    incarnation TEXT NOT NULL UNIQUE,
    machine_id  TEXT NOT NULL,
    began_at_ms INTEGER NOT NULL
) STRICT;

-- The events. id = log_no * 2^40 + seq: each log is one stretch of the table, in order, without a second index; the number of
-- events of a log is its highest seq, so nothing ever has to be counted. prev_hash is the hash of the row before.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY,
    type         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    body         TEXT NOT NULL,
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    log_no       INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
    seq          INTEGER GENERATED ALWAYS AS (id & 1099511627775) VIRTUAL
) STRICT;

-- Texts about persons, beside the chain. Erasing one deletes its row here; the digest in the chain stays.
CREATE TABLE personal (
    digest TEXT PRIMARY KEY,
    salt   TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which event speaks of which text, so that an event can be sent with its texts.
CREATE TABLE personal_of_event (
    event_id INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    PRIMARY KEY (event_id, digest)
) STRICT, WITHOUT ROWID;

-- The fold of each check, found without reading its events. n is the order of opening; last_id is the id of the newest event
-- of the batch that wrote it.
CREATE TABLE checks (
    n               INTEGER PRIMARY KEY,
    check_id        TEXT NOT NULL UNIQUE,
    ticket_code     TEXT NOT NULL,
    business_day    TEXT NOT NULL,
    state           TEXT NOT NULL,
    opened_at_ms    INTEGER NOT NULL,
    number          INTEGER,
    next_fire_at_ms INTEGER,
    last_id         INTEGER NOT NULL,
    body            BLOB NOT NULL
) STRICT;
-- The day first: new rows go to the end of the index, however many years are before them.
CREATE INDEX checks_by_code ON checks (business_day, ticket_code);
-- Small on purpose: only what is not finished, so that a start reads what is open and not what is old.
CREATE INDEX checks_not_closed ON checks (state) WHERE state <> 'closed';
CREATE INDEX checks_by_number ON checks (number) WHERE number IS NOT NULL;
CREATE INDEX checks_to_fire ON checks (next_fire_at_ms) WHERE next_fire_at_ms IS NOT NULL;

-- The spool's jobs. n is the order of acceptance.
CREATE TABLE jobs (
    n             INTEGER PRIMARY KEY,
    job_id        TEXT NOT NULL UNIQUE,
    device        TEXT NOT NULL,
    state         TEXT NOT NULL,
    settled       INTEGER NOT NULL CHECK (settled IN (0, 1)),
    created_at_ms INTEGER NOT NULL,
    check_id      TEXT NOT NULL,
    body          BLOB NOT NULL
) STRICT;
CREATE INDEX jobs_unsettled ON jobs (device, state) WHERE settled = 0;
CREATE INDEX jobs_by_check ON jobs (check_id) WHERE check_id <> '';

-- Idempotency keys, as SHA-256: a key is chosen by a client and must not bring a text to the disk. n is the order of arrival.
-- Pruned while the register is idle: what is older than 7 days *and* not among the newest 10,000 (see prune in commit.py).
CREATE TABLE commands (
    n           INTEGER PRIMARY KEY,
    key_sha256  BLOB NOT NULL UNIQUE,
    body_sha256 BLOB NOT NULL,
    at_ms       INTEGER NOT NULL,
    result      BLOB NOT NULL
) STRICT;

-- Small named values: cursors, counters.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Snapshots of the catalogue by version: checks that are open refer to the one they were opened under.
CREATE TABLE catalogues (
    version TEXT PRIMARY KEY,
    body    BLOB NOT NULL
) STRICT;
