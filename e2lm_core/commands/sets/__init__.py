"""Writing question sets from the command line: the collection, a set's questions, its history; uses base and sets."""
