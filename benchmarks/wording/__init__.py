"""Studies of the wording control: its cost, and edits by a cue word told from edits to a clearer question."""
