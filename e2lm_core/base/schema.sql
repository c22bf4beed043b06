-- Tables of `studio.sqlite`. A change of this file raises SCHEMA_VERSION in `database.py`.

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
) WITHOUT ROWID;

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
);

-- `owner` and `claimed_at` decide whose turn it is. A lease counts `lease_s` seconds from `lease_from` on a clock
-- that nobody sets, and `lease_until` is its end for readers.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    worker TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    lease_until REAL,
    error TEXT,
    owner TEXT NOT NULL DEFAULT '',
    claimed_at REAL,
    lease_from REAL,
    lease_s REAL,
    cpu_s REAL NOT NULL DEFAULT 0
);
CREATE INDEX jobs_waiting ON jobs (state, priority DESC, id);
CREATE INDEX jobs_of_owner ON jobs (owner, claimed_at);
CREATE TABLE progress (
    job INTEGER NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    seconds REAL NOT NULL,
    computed INTEGER NOT NULL,
    reused INTEGER NOT NULL,
    note TEXT,
    tokens INTEGER,
    harness_tokens INTEGER,
    UNIQUE (job, name)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id),
    at REAL NOT NULL,
    what TEXT NOT NULL,
    worker TEXT
);
CREATE TABLE plans (
    job INTEGER NOT NULL REFERENCES jobs (id),
    checkpoint TEXT NOT NULL,
    digests BLOB NOT NULL,
    PRIMARY KEY (job, checkpoint)
);
CREATE TABLE shares (
    job INTEGER NOT NULL REFERENCES jobs (id),
    checkpoint TEXT NOT NULL,
    worker TEXT NOT NULL,
    lease_until REAL NOT NULL,
    lease_from REAL,
    lease_s REAL,
    PRIMARY KEY (job, checkpoint)
);

CREATE TABLE file_digests (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;

-- Accounts, roles in sets and quotas. A quota of the person '' is everybody's. A person whom an administrator
-- demoted stays so.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    administrator INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    demoted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (issuer, subject)
);
-- A user name in E2LM_ADMINS is of the account that first signs in by it.
CREATE TABLE admin_names (
    name TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    at REAL NOT NULL
);
-- Sign-ins that were ended by signing out, by their digest: a cookie or a page's pass of one is worth nothing more.
CREATE TABLE sign_outs (
    sign_in TEXT PRIMARY KEY,
    at REAL NOT NULL
);
CREATE TABLE grants (
    owner TEXT NOT NULL,
    set_name TEXT NOT NULL,
    person TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'editor')),
    at REAL NOT NULL,
    PRIMARY KEY (owner, set_name, person)
);
CREATE INDEX grants_to ON grants (person);
CREATE TABLE links (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    set_name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'editor')),
    at REAL NOT NULL
);
CREATE TABLE quotas (
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    most REAL NOT NULL,
    PRIMARY KEY (person, kind)
);
CREATE TABLE spent (
    person TEXT NOT NULL,
    day TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (person, day, kind)
);
