"""The queue of runs in the database: leases, claims, progress, resuming; uses base."""
