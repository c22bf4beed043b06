-- Leases by a clock that nobody sets, and what a run has cost. Of leases before it nothing is known: they are over.
ALTER TABLE jobs ADD COLUMN lease_from REAL;
ALTER TABLE jobs ADD COLUMN lease_s REAL;
ALTER TABLE jobs ADD COLUMN cpu_s REAL NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN lease_from REAL;
ALTER TABLE shares ADD COLUMN lease_s REAL
