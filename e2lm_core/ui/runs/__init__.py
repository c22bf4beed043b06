"""The page Run and starting what it queues; uses all but commands."""
