"""Where the studio runs for others: its home, its Space, its health and its log; uses base, sets and runs."""
