CREATE TABLE scopes (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    dtype TEXT NOT NULL,
    max_length INTEGER NOT NULL,
    bos TEXT NOT NULL,
    scoring_version INTEGER NOT NULL,
    UNIQUE (fingerprint, dtype, max_length, bos, scoring_version)
);
CREATE TABLE results (
    scope INTEGER NOT NULL REFERENCES scopes (id),
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    ll_nats REAL NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (scope, digest)
) WITHOUT ROWID
