"""Orders of models: ranks, Kendall's tau, and RC by each of its definitions; uses base."""
