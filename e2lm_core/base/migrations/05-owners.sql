-- Whose a job is, and when it last got its turn: no visitor waits for all that another one has queued.
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN claimed_at REAL;
CREATE INDEX jobs_of_owner ON jobs (owner, claimed_at);
CREATE TABLE shares (
    job INTEGER NOT NULL REFERENCES jobs (id),
    checkpoint TEXT NOT NULL,
    worker TEXT NOT NULL,
    lease_until REAL NOT NULL,
    PRIMARY KEY (job, checkpoint)
)
