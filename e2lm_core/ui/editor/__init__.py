"""Question editor: table, card, prompt, import, checks, live results."""
