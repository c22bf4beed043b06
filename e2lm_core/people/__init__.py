"""Who asks: people, their workspaces, what they share and how much they may use; uses base."""
