-- Format 9: the processes that work on this database, and what they ask each other: how long ago a register was heard.
CREATE TABLE processes (
    process TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- A row for each process that is asked; `age_ms` is its answer.
CREATE TABLE silences (
    process  TEXT NOT NULL,
    question TEXT NOT NULL,
    store    TEXT NOT NULL,
    register TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    age_ms   INTEGER,
    PRIMARY KEY (process, question)
) STRICT, WITHOUT ROWID;
