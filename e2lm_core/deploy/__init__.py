"""Where the studio runs for others: its container, its Space, whether its home lasts, its backup; uses base, sets."""
