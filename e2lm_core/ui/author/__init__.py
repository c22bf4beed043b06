"""The editor of a set: table, card, prompt, files, checks, and what an edit changed; uses all but commands."""
