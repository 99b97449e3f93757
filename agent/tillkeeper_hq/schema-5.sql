-- Format 5: business days that are closed (`tillkeeper.contract.days`).

-- Each close that came, also one that does not count. `tails`: JSON, register -> incarnation -> seq. `log_id`, `seq`: the event.
CREATE TABLE closes (
    store          TEXT NOT NULL,
    log_id         INTEGER NOT NULL REFERENCES logs,
    seq            INTEGER NOT NULL,
    business_day   TEXT NOT NULL,
    z              INTEGER NOT NULL,
    epoch_counter  INTEGER NOT NULL,
    epoch_register TEXT NOT NULL,
    tails          TEXT NOT NULL,
    PRIMARY KEY (store, log_id, seq)
) STRICT, WITHOUT ROWID;

-- Where in a log the events are that have a part in the books, by the day that they are stamped with: first and last of them.
CREATE TABLE stamped_days (
    log_id       INTEGER NOT NULL REFERENCES logs,
    business_day TEXT NOT NULL,
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    PRIMARY KEY (log_id, business_day)
) STRICT, WITHOUT ROWID;

INSERT INTO stamped_days (log_id, business_day, first_seq, last_seq)
SELECT log_id, business_day, MIN(seq), MAX(seq) FROM events
WHERE rejected = '' AND type IN ('check_opened', 'check_closed', 'check_voided', 'tender_recorded', 'refund_recorded',
    'no_sale_recorded')
GROUP BY log_id, business_day;

-- Of the accounts in `books`, what is booked in another day than the events are stamped with.
CREATE TABLE adjustments (
    store        TEXT NOT NULL,
    business_day TEXT NOT NULL,
    stamped_day  TEXT NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    PRIMARY KEY (store, business_day, stamped_day, kind, name)
) STRICT, WITHOUT ROWID;
