"""What measurements say, on the command line, a module a page: scores, ranks, comparisons, plans; uses base, runs and analysis."""
