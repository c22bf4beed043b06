"""Log-likelihoods equal to lm-evaluation-harness's, without repeated work; uses base and checkpoints.

Start here:
    `backend.Backend`: Protocol of a scorer of requests under checkpoints, the interface to `runs`.
    `local.LocalBackend`: Backend of this process, on CPU or GPU.
    `cluster.driver.RayBackend`: Backend of a Ray cluster.
    `models.Loader`: Reader of checkpoints, with a cache of the models used last.
    `models.LoadedModel`: A checkpoint's weights and configuration on their device.
    `batches.tokenise.Encoder`: Tokens of requests as the harness makes them.
    `batches.plan.Plan`: Batches of a list of requests, with the token prefixes that rows share.
    `scorer.Scorer`: Log-likelihoods of encoded requests on one device.
    `check.selfcheck.compare`: Way to score a model, found by comparison with plain batches.
    `forward.forward.packed`: Log-probabilities [S] of the targets of rows that share a prefix.
"""
