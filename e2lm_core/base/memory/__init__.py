"""What is kept in memory, and what lies in files that processes share as if it were."""
