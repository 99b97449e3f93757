-- Version 2. Digests of the personal texts that were erased in this store, as far as this register knows: what is held for others
-- is compared with them whenever it begins anew, so that a late copy does not bring a text back.
CREATE TABLE erased (
    digest TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
