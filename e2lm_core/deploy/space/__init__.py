"""The studio as a Space of a hub: what is uploaded, what is set, what changes; uses base."""
