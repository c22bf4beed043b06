"""Labels and help texts of metrics and scores."""

from __future__ import annotations

from e2lm_core.base.sentences import Sentence

METRIC_LABEL = {
    "acc": Sentence("accuracy"),
    "acc_norm": Sentence("length-adjusted accuracy"),
    "margin": Sentence("margin (nats)"),
    "norm_prob": Sentence("probability of the right answer"),
    "bpb": Sentence("bits per byte (lower is better)"),
}


METRIC_HELP = {
    "acc": "The share of questions whose right answer has the highest log-likelihood.",
    "acc_norm": "As accuracy, with each log-likelihood divided by its choice's number of characters.",
    "margin": "The right answer's log-likelihood less the mean of the others', in nats. Long choices weigh "
    "more.",
    "norm_prob": "Probability of the right answer among the choices (softmax of the log-likelihoods).",
    "bpb": "Minus the right answer's log-likelihood by its bytes, in bits. Lower is better; it has no chance "
    "level.",
}


SCORES = {
    "final": Sentence("final value"),
    "score": "Score",
    "sq": "SQ",
    "rc": "RC",
    "cs": "CS",
    "snr": "SNR",
    "snr_detrended": Sentence("SNR, detrended"),
    "decision_accuracy": Sentence("decision accuracy"),
}


# Names on cards: a plain word, with the short name that tables and documents use.
SCORE_NAMES = {
    "Score": "Score",
    "SQ": "Signal quality (SQ)",
    "RC": "Ranking consistency (RC)",
    "CS": "Compliance with science (CS)",
    "SNR": "Signal-to-noise ratio (SNR)",
    "Decision accuracy": "Decision accuracy",
}


SCORE_HELP = {
    "SQ": "Signal quality: how steadily the curves rise while the models read; 1 is best. It is the mean of ρ (does "
    "the curve rise in step order?) and AC (does it rise smoothly?) over the early window's points, averaged over "
    "models. Source: the E2LM competition's scoring notebook. More questions and plainer wording raise it.",
    "RC": "Ranking consistency: whether the model that is better early on is the better one later; 1 is always. Which "
    "models, and against which order, is a reading of the competition's consistency of rankings at 1 trillion tokens, "
    "and is chosen on the page; by default architectures of one size against their order at the last checkpoint. "
    "Theirs uses hidden checkpoints.",
    "CS": "Compliance with science: whether reading science is what helps; 1 is all of the gain. It is the part of the "
    "science model's gain over chance that its web-only twin does not share, averaged over the early window. Our "
    "reading; the competition uses a hidden web-only model.",
    "Score": "0.5 · SQ + 0.1 · RC + 0.4 · CS. RC uses the definition chosen on this page. Undefined "
    "if one of the three parts is.",
    "Decision accuracy": "The share of model pairs that stand in the same order at the early window's end "
    "and at the last checkpoint. Source: DataDecide (AI2).",
    "SNR": "AI2's signal-to-noise ratio: the spread between models over a model's checkpoint noise at its last 5 "
    "checkpoints.",
}


PERCENT_SCORES = frozenset({"Decision accuracy"})  # shown in percent


PART_HELP = {
    "interval": "What a fresh set of as many questions would get from the same checkpoints "
    "(docs/uncertainty.md).",
    "ρ": "Spearman's ρ between the curve and its step order, as the competition computes it: ties are broken "
    "by order, so a flat curve has ρ 1. Never below 0.",
    "AC": "The mean absolute autocorrelation over the lags 1 to n/4 − 1: near 1 where the curve is smooth.",
    "Spearman": "The same ρ with ties shared, and negative where the curve falls.",
    "signed AC": "The same autocorrelation with its sign kept.",
    "counts": "Whether the model enters the means: web-only twins and extra seeds do not.",
    "points": "How many complete checkpoints of the early window entered.",
}
