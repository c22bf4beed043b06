"""Results of a set in other tools' formats, one module each; uses base, runs, scores and sets."""
