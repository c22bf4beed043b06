"""Formulas from log-likelihoods to SQ, RC, CS and Score: arrays in, values out; uses base.

Start here:
    `measurements.Measurements`: Results of a set by model and checkpoint, NaN where missing.
    `metrics.per_question`: Every metric of every question and checkpoint, from log-likelihoods.
    `metrics.curve`: Mean over questions at each checkpoint, NaN where a question is missing.
    `signal.signal_quality`: SQ of one model's curve in the early window.
    `ranking.readings.READINGS`: The definitions of RC by name.
    `set_scores.scores`: SQ, RC, CS and Score of a set, each with its reason where it is undefined.
    `uncertainty.set_intervals.resample`: One bootstrap over the questions of a set, shared by all curves.
    `uncertainty.set_intervals.score_intervals`: 95% intervals of the scores, where a method held.
    `uncertainty.null.null_scores`: Every score [B] under random answer keys.
    `uncertainty.null.is_within_null`: Whether a score is no better than guessing.
"""
