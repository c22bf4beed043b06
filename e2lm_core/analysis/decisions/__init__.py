"""Decisions: the probability that a model that is ahead now is ahead at the end of training; uses base and scores.

Start here:
    `outlook.Outlook`: Probabilities of one pair over its checkpoints, as pages and commands show them.
    `probability.probabilities`: Probabilities of many cases, or the reasons why they are not known.
    `fitting.fit`: Coefficients from decided cases; those in use lie in `coefficients.json`.
"""
