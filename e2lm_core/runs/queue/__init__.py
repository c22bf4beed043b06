"""Queue of runs in the database: leases, claims, progress, resuming."""
