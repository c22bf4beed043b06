-- Who signs in, what they share, and how much is theirs to use. Quotas of '' are everybody's.
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    administrator INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    UNIQUE (issuer, subject)
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
)
