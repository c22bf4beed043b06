"""Which of two models is ahead: exact sentences from places made by hand, and one answer from measurements."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis import leads
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import onsets
from e2lm_core.analysis.curves.onsets import Onset, Point, Separation
from e2lm_core.analysis.plan import power
from e2lm_core.base.records import METRICS
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.scores.uncertainty.means import pointwise
from tests.support.measured import FASTER, LARGE, RISING, SMALL, curve, measurements, noisy

EARLY, LATE = Point(step=100, tokens_seen=1_000), Point(step=900, tokens_seen=9_000)
TWO = measurements(curve(SMALL, RISING), curve(LARGE, FASTER))
AHEAD = (
    "On these checkpoints, **large-arch1 is ahead of small-arch1** by 5.6 points (95% interval 1.0 to 9.0)."
)
SAME = "On these checkpoints, **no reliable lead is shown**: large-arch1 does better than small-arch1 by 5.6 points"
NEW = "For newly trained models of these kinds, "
NONE = f"{NEW}**no reliable lead is shown**."
KNOWN = " At the end it leads by 0.5 to 12.5 points (95%)."


def since(at: Point | None, **changes: object) -> Onset:
    held = {"sure": at, "on_these": at, "measured": at, "retraining": 0.026}
    return Onset.model_validate({**held, "first": EARLY, "points": 10, **changes})


def separation(place: Onset, **changes: object) -> Separation:
    held = {"at": LATE, "difference": 0.056, "interval": (0.01, 0.09), "retrained": (0.005, 0.125)}
    return Separation.model_validate(
        {"higher": LARGE.name, "lower": SMALL.name, "since": place, **held, **changes}
    )


def said(pair: Separation, with_training_noise: bool = True) -> list[str]:
    """Sentences with spaces that break, to be read."""
    answer = leads.answer_pair(pair, "acc", with_training_noise)
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in leads.pair_sentences(TWO, answer)]


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (
            separation(since(LATE)),
            [AHEAD, f"{NEW}**large-arch1 is ahead of small-arch1 from 9.0 k tokens on**.{KNOWN}"],
        ),
        (
            separation(since(EARLY)),
            [
                AHEAD,
                f"{NEW}**large-arch1 is ahead of small-arch1 from the first checkpoint (1.0 k tokens) on**.{KNOWN}",
            ],
        ),
        (
            separation(since(LATE, on_these=EARLY, retraining_from=LATE)),
            [
                AHEAD,
                f"{NEW}**large-arch1 is ahead of small-arch1 from 9.0 k tokens on, or earlier**.{KNOWN}",
            ],
        ),
        (
            separation(since(LATE, retraining=None, sure=None), retrained=None),
            [
                AHEAD,
                f"{NEW}**nothing is known**: no model has results from another seed at the last checkpoint.",
            ],
        ),
        (
            separation(since(LATE, sure=None), retrained=(-0.031, 0.143)),
            [
                AHEAD,
                f"{NONE} Training noise moves a model by 2.6 points, too much for this difference. At the end "
                "they differ by −3.1 to 14.3 points (95%).",
            ],
        ),
        (
            separation(since(None), interval=(-0.01, 0.12), retrained=(-0.031, 0.143)),
            [
                f"{SAME} (95% interval −1.0 to 12.0).",
                f"{NONE} At the end they differ by −3.1 to 14.3 points (95%).",
            ],
        ),
        (
            separation(since(None), retrained=(-0.031, 0.143)),
            [
                f"{SAME} (95% interval 1.0 to 9.0). {leads.CAN_BE_CHANCE}",
                f"{NONE} At the end they differ by −3.1 to 14.3 points (95%).",
            ],
        ),
        (
            separation(Onset(points=3, why="No interval: too few."), interval=None, retrained=None),
            [f"{SAME}. No interval: too few.", f"{NEW}**nothing is known**: no interval: too few."],
        ),
        (
            separation(Onset(why=onsets.EQUAL), at=None, difference=None, interval=None, retrained=None),
            [
                "**large-arch1 and small-arch1 cannot be told apart**: they are equal at their last common "
                "checkpoint."
            ],
        ),
    ],
    ids=[
        "both",
        "from the first",
        "noise known from there",
        "no other seed",
        "noise hides it",
        "neither",
        "chance among many",
        "too few questions",
        "equal",
    ],
)
def test_the_answer_in_words(pair: Separation, says: list[str]) -> None:
    assert said(pair) == says


def test_without_training_noise_the_second_claim_is_on_the_same_models() -> None:
    hidden = separation(since(EARLY, sure=None))
    assert said(hidden, with_training_noise=False) == [
        AHEAD,
        "Without training noise, **large-arch1 is ahead of small-arch1 from the first checkpoint (1.0 k tokens) "
        "on**. Newly trained models may differ.",
    ]
    assert said(separation(since(None)), False)[1] == "Without training noise, **no reliable lead is shown**."
    assert leads.TRAINING_NOISE_INCLUDED, "its help says so"
    assert "On by default" in leads.NOISE_HELP


def test_a_headline_has_one_claim_where_it_says_all() -> None:
    both = leads.answer_pair(separation(since(LATE)), "acc")
    assert leads.pair_sentences(TWO, both)[1].startswith(leads.short_answer(TWO, both))
    assert leads.short_answer(TWO, both).startswith(NEW)
    hidden = leads.answer_pair(separation(since(LATE, sure=None)), "acc")
    assert leads.short_answer(TWO, hidden) == f"{AHEAD} {NONE}"


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return noisy(questions=400)


@pytest.mark.parametrize("metric", METRICS)
def test_an_answer_is_the_same_whichever_is_named_first(measured: Measurements, metric: str) -> None:
    answers = Answers(measured)
    one, other = (
        answers.pair(metric, *names) for names in ((SMALL.name, LARGE.name), (LARGE.name, SMALL.name))
    )
    assert one == other
    assert one is not None
    assert (one.higher, one.judged) == (LARGE.name, 6)
    assert answers.pair(metric, SMALL.name, "nobody") is None


@pytest.mark.parametrize("metric", METRICS)
def test_verdicts_and_intervals_follow_from_the_same_tests(measured: Measurements, metric: str) -> None:
    """Judged alone, a lead is shown exactly where its interval lies above 0; training noise only widens it."""
    given = set_intervals.resample(measured, (metric,))
    for pair in Answers(measured).separations(metric):
        [alone] = onsets.separations(measured, given, metric, [(pair.higher, pair.lower)])
        for claim in leads.answer_pair(alone, metric).claims:
            assert claim.interval is not None
            assert claim.leads == (claim.interval[0] > 0)
        now, new = leads.answer_pair(pair, metric).claims
        assert now.interval is not None
        assert new.interval is not None
        assert new.interval[0] <= now.interval[0] < now.interval[1] <= new.interval[1]
        values = [measured.per_question[name][metric][-1:] for name in (pair.higher, pair.lower)]
        samples = [given.curves[metric][name][:, -1:] for name in (pair.higher, pair.lower)]
        sign = -1 if metric == "bpb" else 1
        expected = pointwise.paired_interval(
            metric, sign * (values[0] - values[1]), sign * (samples[0] - samples[1]), given.clusters
        )[0]
        np.testing.assert_allclose(now.interval, expected, rtol=1e-6)


@pytest.mark.parametrize("metric", ["acc", "norm_prob", "bpb"])
def test_power_is_planned_for_the_difference_of_the_answer(measured: Measurements, metric: str) -> None:
    for answer in Answers(measured).pairs(metric):
        planned = power.compute_power(measured, metric, (answer.lower, answer.higher))
        assert answer.at is not None
        assert planned.step == answer.at.step
        assert abs(planned.spread.difference) == pytest.approx(answer.difference, abs=1e-12)
        assert planned.spread.training_sd == answer.training_noise


def test_at_one_checkpoint_the_answer_is_on_that_one(measured: Measurements) -> None:
    answers = Answers(measured)
    last, first = (answers.pairs("acc", step) for step in (16, 2))
    verdicts = [
        {frozenset((p.higher, p.lower)): p.claims[0] for p in found} for found in (last, answers.pairs("acc"))
    ]
    assert verdicts[0] == verdicts[1]
    assert all(pair.at is not None and pair.at.step == 2 for pair in first)
    assert not answers.pairs("acc", 17)[0].claims
