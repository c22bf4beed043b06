"""Log-likelihoods of continuations, equal to lm-evaluation-harness's and without its repeated work.

`tokenise` cuts requests into tokens as the harness does, `plan` decides what is computed together,
`models` loads weights, `forward` computes, `scorer` puts the four together for one checkpoint.
"""

from __future__ import annotations

# Part of every result's key: raise it when a change of the engine changes numbers by more than float noise.
SCORING_VERSION = 1
