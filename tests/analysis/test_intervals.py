"""Every number that a sentence prints with an interval lies within it: the interval is of that number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis import leads
from e2lm_core.analysis.compare import messages as compare_words
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.analysis.curves import onsets
from e2lm_core.analysis.plan import messages as plan_words
from e2lm_core.analysis.plan import power
from e2lm_core.analysis.questions import messages as question_words
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import repeatability, selection
from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import METRICS
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_intervals
from tests.support import measured, studios

_NUMBER = r"[+−-]?\d[\d,]*(?:\.\d+)?"
INTERVAL = re.compile(
    rf"\[({_NUMBER})%?, ({_NUMBER})%?\]|\((?:95% interval )?({_NUMBER})%? to ({_NUMBER})%?[,)]"
)
NUMBER = re.compile(rf"(?<![\w.−-]){_NUMBER}(?![\w.]*\w)")


def as_float(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").rstrip("."))


def outside(sentence: str) -> list[str]:
    """The intervals of a sentence whose number, the last one before them, is not within."""
    wrong = []
    for found in INTERVAL.finditer(sentence):
        if sentence[: found.start()].endswith("its interval "):  # of what is named, and not printed, before
            continue
        before = NUMBER.findall(sentence[: found.start()])
        low, high = (as_float(end) for end in found.groups() if end is not None)
        if not before or not low <= as_float(before[-1]) <= high:
            wrong.append(sentence[: found.end()])
    return wrong


SETS = {
    "noisy": lambda: measured.noisy(60),
    "grouped": lambda: measured.noisy(120, tuple(f"g{n // 3}" for n in range(120))),
    "fleet": measured.fleet_measured,
    "hardly structured": lambda: measured.fleet_measured(200, structure=0.3),
    "few": measured.full,
}


def moved(of: Measurements, by: float) -> Measurements:
    """The same models on questions whose gold choice is easier, or harder."""
    random = np.random.default_rng(1)
    gold = np.arange(of.curves[0].ll.shape[2]) == of.gold[:, None]
    return replace(
        of,
        curves=tuple(replace(c, ll=c.ll + gold * random.normal(by, 1.0, c.ll.shape)) for c in of.curves),
    )


def of_scores(scores: Scores, metric: str) -> Iterator[str]:
    yield score_words.headline(scores, metric)
    for name in labels.SCORES:
        value = getattr(scores, name, None)
        if value is None or value.value is None or value.interval is None:
            continue
        yield formatting.with_interval({"value": value.value, "interval": value.interval})
        yield f"{formatting.percent(value.value)} {formatting.interval(*value.interval, share=True)}"  # as some cards have it


def sentences(of: Measurements, metric: str) -> Iterator[str]:
    """Whatever is said of a set's numbers on pages and by commands."""
    resampled = set_intervals.resample(of, (metric,))
    bounds = set_intervals.score_intervals(resampled, metric)
    scores = set_intervals.with_intervals(set_scores.scores(of, metric), bounds)
    yield from of_scores(scores, metric)
    yield rank_words.headline(measured.order_of(of, metric), scores)
    above = onsets.onsets_above_chance(of, resampled, metric) if of.chance else {}
    for pair in onsets.all_separations(of, resampled, metric):
        for with_training_noise in (True, False):
            answer = leads.answer_pair(pair, metric, with_training_noise)
            yield curve_words.headline(of, metric, above, answer, "few")
            yield from leads.pair_sentences(of, answer)
        yield plan_words.power_answer(power.compute_power(of, metric, (pair.higher, pair.lower)))


@pytest.mark.parametrize("name", SETS)
def test_every_number_of_a_set_lies_in_the_interval_beside_it(name: str) -> None:
    of = SETS[name]()
    said = [sentence for metric in ("acc", "norm_prob", "bpb") for sentence in sentences(of, metric)]
    assert not [wrong for sentence in said for wrong in outside(sentence)]
    assert any(INTERVAL.search(sentence) for sentence in said) or name == "few"


@pytest.mark.parametrize("by", [-1.5, -0.5, 0.5, 1.5])
def test_every_difference_of_two_sets_lies_in_the_interval_beside_it(by: float) -> None:
    task, first = studios.task(120, "first"), measured.noisy(120)
    said = [
        compare_words.headline(measured.compared(first, moved(first, by), task, task, metric))
        for metric in METRICS
    ]
    assert all(INTERVAL.search(sentence) for sentence in said)
    assert not [wrong for sentence in said for wrong in outside(sentence)]


@pytest.mark.parametrize("structure", [1.0, 0.0])
def test_every_gain_of_a_choice_lies_in_the_interval_beside_it(structure: float) -> None:
    pool = question_pool.build_pool(measured.fleet_measured(structure=structure), measured.question_set())
    for rule in ("easiest-half", "rising-hard-science", "margin > 0"):
        chosen = selection.select_questions(pool, rule, "margin")
        for sentence in (
            question_words.selection_headline(chosen, 60),
            *question_words.selection_warnings(chosen),
        ):
            assert not outside(sentence)


def test_a_repeated_figures_correlation_lies_in_its_interval() -> None:
    random, models = np.random.default_rng(0), [measured.SMALL, measured.LARGE]
    for noise in (0.1, 1.0, 10.0):
        figures = random.normal(size=40)
        found = repeatability.correlate_halves(
            models, ((0,), (1,)), figures, noise * random.normal(size=40) - figures * (noise < 1)
        )
        assert INTERVAL.search(found.sentence)
        assert not outside(found.sentence)


def test_rounding_puts_no_number_out_of_its_interval() -> None:
    """With two digits beside three 0.836 stood beside [0.84, 0.88]."""
    for value, low, high in ((0.8361, 0.8358, 0.88), (0.1234, 0.0, 0.12345), (0.5, 0.5, 0.5)):
        assert not outside(formatting.with_interval({"value": value, "interval": (low, high)}))
        assert not outside(f"{formatting.percent(value)} {formatting.interval(low, high, share=True)}")


def test_a_headline_with_the_interval_of_another_number_is_seen() -> None:
    assert outside("From 614 k tokens on, it is above (307 to 410, of resamples).")
    assert outside("second ends 30.0 points lower than first in accuracy [−44.8, −5.2]")
    assert not outside("second ends 30.0 points lower than first in accuracy [5.2, 44.8]")
    assert outside("**0.5** is [1.0, 2.0]")
