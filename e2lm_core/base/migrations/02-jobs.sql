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
    error TEXT
);
CREATE INDEX jobs_waiting ON jobs (state, priority DESC, id);
CREATE TABLE progress (
    job INTEGER NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    seconds REAL NOT NULL,
    computed INTEGER NOT NULL,
    reused INTEGER NOT NULL,
    note TEXT,
    UNIQUE (job, name)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id),
    at REAL NOT NULL,
    what TEXT NOT NULL,
    worker TEXT
)
