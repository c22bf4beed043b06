"""The editor of a set: table, card, dialogs, and what an edit changed; uses all but commands."""
