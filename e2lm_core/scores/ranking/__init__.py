"""Orders of models: ranks, tau, and ranking consistency in its readings; uses base."""
