-- Format 7: checks go from one register to another (`tillkeeper.contract.together`).

-- The highest claim that was heard of, and whose it is; empty: whoever opened it.
ALTER TABLE checks ADD COLUMN
    hand INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checks ADD COLUMN
    held_by TEXT NOT NULL DEFAULT '';
