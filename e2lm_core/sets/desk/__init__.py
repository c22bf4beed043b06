"""What lies beside a saved set while people write it: their drafts, and who has it open; uses base and the collection."""
