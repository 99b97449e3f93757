-- The logs of others that a register holds. Version 1. What peers can send again; nothing is ever pruned from quarantine.

-- Whose logs these are: one row.
CREATE TABLE owner (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    store TEXT NOT NULL
) STRICT;

-- Held up to `held_seq` without a gap; `head_hash` is what the event there says it has. `rejected`: rows in quarantine.
CREATE TABLE logs (
    log_no      INTEGER PRIMARY KEY,
    register    TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    held_seq    INTEGER NOT NULL,
    head_hash   ANY NOT NULL,
    rejected    INTEGER NOT NULL,
    UNIQUE (register, incarnation)
) STRICT;

-- id = log_no * 2^40 + seq. A hash is 32 bytes, or the text as it came where it is no SHA-256 in hex. prev_hash is the hash of
-- the row before. A rejected event has its place here and is itself in quarantine: `aside` is its n, all else is empty.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY,
    type         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    body         TEXT NOT NULL,
    hash         ANY NOT NULL,
    aside        INTEGER REFERENCES quarantine
) STRICT;

-- The places that the author signed: the end of each batch that came. Whoever gets the log from here can check it up to there.
CREATE TABLE heads (
    id        INTEGER PRIMARY KEY,
    key       TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT;

-- The envelope as it came (JSON, without personal texts), once per content. n is the order of arrival. `key` and `signature`:
-- the author's over it, where another event has its place; empty elsewhere.
CREATE TABLE quarantine (
    n           INTEGER PRIMARY KEY,
    log_no      INTEGER NOT NULL REFERENCES logs,
    digest      BLOB NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    in_log      INTEGER NOT NULL CHECK (in_log IN (0, 1)),
    envelope    BLOB NOT NULL,
    key         TEXT NOT NULL,
    signature   TEXT NOT NULL,
    UNIQUE (log_no, digest)
) STRICT;

-- Texts about persons, beside the chain. `place`: the id of the event that speaks of it, or -n of what is in quarantine.
CREATE TABLE personal (
    digest TEXT PRIMARY KEY,
    salt   TEXT NOT NULL,
    text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mentions (
    place  INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (place, digest)
) STRICT, WITHOUT ROWID;

-- What was erased does not come back with a copy that another register still has.
CREATE TABLE erased (
    digest TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
