"""The backend of a Ray cluster: what is sent, who computes on the nodes, and the driver; uses base, checkpoints and engine."""
