"""What measurements say, a room a page: values in, tables and sentences out; uses base and scores."""
