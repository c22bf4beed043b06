"""What leaves the studio: the submission bundle, the report, their provenance; uses all below it."""
