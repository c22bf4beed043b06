CREATE TABLE plans (
    job INTEGER NOT NULL REFERENCES jobs (id),
    checkpoint TEXT NOT NULL,
    digests BLOB NOT NULL,
    PRIMARY KEY (job, checkpoint)
)
