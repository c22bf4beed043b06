"""E2LM Task Studio, the library beneath the browser app and the command line: rooms by subject, imports only downwards."""
