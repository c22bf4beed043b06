"""The question editor: table, card, prompt, import, checks, live results."""
