-- Format 3: what registers say of themselves, and the people who look.

-- How far the author says that this log goes; NULL where it never said.
ALTER TABLE logs ADD COLUMN
    claimed_seq INTEGER;

-- The register whose token brought it; empty where a relay of format 2 did.
ALTER TABLE quarantine ADD COLUMN
    sent_by TEXT NOT NULL DEFAULT '';

CREATE INDEX quarantine_by_reason ON quarantine (log_id, reason);
CREATE INDEX books_by_day ON books (business_day, store);

-- How a store writes money and times, as its registers say.
CREATE TABLE store_facts (
    store        TEXT PRIMARY KEY,
    currency     TEXT NOT NULL,
    minor_digits INTEGER NOT NULL,
    timezone     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `stores`: JSON list of those that the user may see, empty for all. `password`: as `users/passwords.py` writes it.
CREATE TABLE users (
    user_id     INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    stores      TEXT NOT NULL DEFAULT '',
    password    TEXT NOT NULL,
    must_change INTEGER NOT NULL DEFAULT 0,
    disabled    INTEGER NOT NULL DEFAULT 0,
    created_ms  INTEGER NOT NULL
) STRICT;

-- `token_hash`: SHA-256 of what the browser holds.
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    began_ms   INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, used_ms);

-- Wrong passwords. Names, known or not, share 65,536 places: so the table is bounded and says of nobody whether they exist.
CREATE TABLE login_tries (
    place    INTEGER PRIMARY KEY,
    wrong    INTEGER NOT NULL,
    locks    INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT;

-- Who did what here, in the order of ids; only ever added to. `who`: the name then; `subject`: whom or what it was about.
CREATE TABLE acts (
    act_id  INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    who     TEXT NOT NULL,
    act     TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;

-- A rejected event that somebody has looked at, with what they noted. The event itself stays for ever.
CREATE TABLE looked_at (
    look_id       INTEGER PRIMARY KEY,
    quarantine_id INTEGER NOT NULL REFERENCES quarantine,
    at_ms         INTEGER NOT NULL,
    who           TEXT NOT NULL,
    note          TEXT NOT NULL
) STRICT;

CREATE INDEX looked_at_by_event ON looked_at (quarantine_id);

-- Texts about persons that a store erased (`personal_data_erased`): what comes in later with one of these digests is not kept.
CREATE TABLE erased (
    store  TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (store, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX personal_by_digest ON personal (digest);
