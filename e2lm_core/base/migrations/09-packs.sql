-- Results of a large set at one checkpoint as two columns of numbers, in the order of keys that checkpoints share.
CREATE TABLE keysets (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    digests BLOB NOT NULL CHECK (length(digests) % 16 = 0)
);
CREATE TABLE packs (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    keyset INTEGER NOT NULL REFERENCES keysets (id),
    ll_nats BLOB NOT NULL,
    tokens BLOB NOT NULL,
    PRIMARY KEY (scope, keyset)
)
