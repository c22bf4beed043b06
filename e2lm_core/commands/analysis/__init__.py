"""Commands on measurements: scores, ranks, comparisons, plans; uses analysis, sets, runs and imported."""
