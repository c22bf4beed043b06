"""What is missing is computed and kept: requests, store, worker, and the state that a set is in; uses all below it."""
