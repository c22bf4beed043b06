"""What people save: whether it lasts where it lies, its backup, and bringing it back; uses base and sets."""
