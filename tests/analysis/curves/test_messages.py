"""What is said of curves: exact sentences from places made by hand, and a sentence for any measurements."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from e2lm_core.analysis import leads
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.analysis.curves import onsets, subjects
from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.analysis.curves.onsets import Onset, Point
from e2lm_core.base import formatting
from e2lm_core.base.records import METRICS, ModelInfo
from e2lm_core.scores.measurements import Measurements, common_grid
from e2lm_core.scores.uncertainty import set_intervals
from tests.support.measured import (
    FASTER,
    LARGE,
    RISING,
    SEED2,
    SMALL,
    WEB,
    curve,
    full,
    measurements,
    noisy,
    with_subjects,
)

EARLY, LATE = Point(step=100, tokens_seen=1_000), Point(step=900, tokens_seen=9_000)
NEVER = Onset(points=10)


def since(at: Point | None, **changes) -> Onset:
    held = {"sure": at, "on_these": at, "measured": at, "retraining": 0.01}
    return Onset.model_validate({**held, "first": EARLY, "points": 10, **changes})


def plain(said: str | None) -> str:
    """With spaces that break, to be read."""
    assert said is not None
    return said.replace("\N{NO-BREAK SPACE}", " ")


def test_models_that_the_sentences_count_and_the_axis_lacks_are_named() -> None:
    assert curve_words.omitted_models_note(axis()) is None
    assert curve_words.omitted_models_note(axis(kind="compute", left_out=("a",))) == (
        "a is not in this chart, since its compute is not known. Over *steps* all models are."
    )
    said = curve_words.omitted_models_note(axis(kind="compute", left_out=("a", "b")))
    assert (
        said
        == "a and b are not in this chart, since their compute is not known. Over *steps* all models are."
    )


def test_the_finding_names_the_telling_pair_and_the_twin() -> None:
    measured = noisy(questions=400)
    drawn = set_intervals.resample(measured, ("acc",))
    pair = curve_words.most_informative_pair(measured)
    assert pair == (LARGE.name, SMALL.name)
    above = onsets.onsets_above_chance(measured, drawn, "acc")
    answer = leads.answer_pair(onsets.separations(measured, drawn, "acc", [pair])[0], "acc")
    said = curve_words.headline(measured, "acc", above, answer, "few")
    assert leads.short_answer(measured, answer) in said
    assert "large-arch1 is ahead of small-arch1" in said
    assert "Both models are above chance on these questions from" in said
    assert (
        "the web-only twin never is; trained again, they may not be." in said
    )  # two seeds: one degree of freedom


def test_of_curves_that_mean_nothing_no_lead_is_named() -> None:
    measured = noisy(questions=400)
    drawn = set_intervals.resample(measured, ("acc",))
    above = onsets.onsets_above_chance(measured, drawn, "acc")
    pair = (LARGE.name, SMALL.name)
    answer = leads.answer_pair(onsets.separations(measured, drawn, "acc", [pair])[0], "acc")
    said = curve_words.headline(measured, "acc", above, answer, "few", "Are keys counted from 1?")
    assert said.startswith("Are keys counted from 1?")
    assert "ahead" not in said
    assert "above chance" not in said
    assert "Over 2 models" in said


def test_without_a_pair_there_is_another_sentence() -> None:
    alone = measurements(curve(SMALL, RISING))
    assert curve_words.headline(alone, "acc", {}, None, "few") == "few"
    assert curve_words.most_informative_pair(alone) is None


@pytest.mark.parametrize(
    ("models", "pair"),
    [
        ((SMALL, WEB), (SMALL.name, WEB.name)),
        ((WEB, SMALL, SEED2), (SMALL.name, WEB.name)),
        ((SMALL, LARGE.model_copy(update={"arch": "arch2"})), (SMALL.name, LARGE.name)),
        ((LARGE, SMALL.model_copy(update={"parameters": None})), (LARGE.name, SMALL.name)),
    ],
    ids=["one counts", "one counts, named last", "two shapes", "size unknown"],
)
def test_any_two_are_told_where_no_two_sizes_of_one_shape_are(
    models: tuple[ModelInfo, ...], pair: tuple[str, str]
) -> None:
    assert curve_words.most_informative_pair(measurements(*(curve(m, RISING) for m in models))) == pair


# --- who leaves chance ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ((since(EARLY), None, None), "The model is surely above chance from 1.0 k tokens on."),
        (
            (since(EARLY), since(LATE), NEVER),
            "Both models are surely above chance from 9.0 k tokens on at the latest; the web-only twin never is.",
        ),
        (
            (since(EARLY), since(LATE), since(LATE)),
            "Both models are surely above chance from 9.0 k tokens on at the latest.",
        ),
        ((since(EARLY), NEVER, None), "1 of 2 models is surely above chance from 1.0 k tokens on."),
        ((NEVER, NEVER, since(EARLY)), "At the end, no model is reliably above chance."),
    ],
    ids=["one model", "both and not the twin", "the twin too", "one of two", "none"],
)
def test_who_is_above_chance(places: tuple[Onset | None, ...], says: str) -> None:
    above = {m.name: p for m, p in zip((SMALL, LARGE, WEB), places, strict=True) if p is not None}
    assert plain(curve_words.chance_sentence(full(), above)) == says


def test_a_metric_without_chance_has_no_such_sentence() -> None:
    undefined = Onset(points=0, why=onsets.NO_CHANCE.format(metric="margin"))
    assert curve_words.chance_sentence(full(), {SMALL.name: undefined}) is None
    assert curve_words.chance_sentence(full(), {}) is None


# --- how far the mean goes ------------------------------------------------------------------------------


def test_curves_say_the_rise_the_order_and_the_twin() -> None:
    said = curve_words.rise_sentence(full(), "acc")
    assert "2 models" in said
    assert "15.0%" in said
    assert "95.0%" in said
    assert "; of each shape, larger models lead from 1.0 k tokens on." in said
    assert "web-only twin lies between 40.0% and 60.0% (chance 50%)" in said
    assert (
        curve_words.rise_sentence(full(), "acc", with_twins=False) == said.partition(" The web-only twin")[0]
    )
    level = measurements(curve(SMALL, RISING), curve(LARGE, FASTER), curve(WEB, [0.5] * len(RISING)))
    assert "The web-only twin stays at 50.0% (chance 50%)." in curve_words.rise_sentence(level, "acc")


def test_sizes_are_in_order_only_from_where_they_stay_so() -> None:
    crossing = [0.0, 0.1, *FASTER[2:]]
    measured = measurements(curve(SMALL, RISING), curve(LARGE, crossing))
    grid = common_grid(measured, "acc")
    assert grid is not None
    assert curve_words.first_ordered_checkpoint(measured, grid) == "3.0 k tokens"
    reverse = measurements(curve(SMALL, FASTER), curve(LARGE, RISING))
    grid = common_grid(reverse, "acc")
    assert grid is not None
    assert curve_words.first_ordered_checkpoint(reverse, grid) is None
    assert "larger models" not in curve_words.rise_sentence(reverse, "acc")
    assert "larger models" not in curve_words.rise_sentence(full(), "acc", with_order=False)
    own = [model.model_copy(update={"family": "local", "arch": None}) for model in (SMALL, LARGE)]
    undeclared = measurements(curve(own[0], RISING), curve(own[1], crossing))
    assert curve_words.first_ordered_checkpoint(undeclared, grid) is None, "they may be of any shape"
    assert curve_words.most_informative_pair(undeclared) == (own[0].name, own[1].name), "in their order"


HOLES = [math.nan] * 9


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (
            measurements(curve(SMALL, RISING)),
            "The accuracy of small-arch1 goes from **10.0% to 90.0%** over 10 checkpoints.",
        ),
        (
            measurements(curve(WEB, [0.5, 0.7, 0.5]), curve(SMALL, [0.4, 0.4])),
            "The accuracy of small-arch1 stays at **40.0%** over 2 checkpoints.",
        ),
        (
            measurements(curve(SMALL, [0.5]), curve(LARGE, [0.5])),
            "Every model has one checkpoint here, so there is no curve: run more, or choose a model group that has "
            "several.",
        ),
        (
            measurements(curve(SMALL, [0.7])),
            "The accuracy of small-arch1 is **70.0%** at its one checkpoint, so there is no curve: run more, or "
            "choose a model group that has several.",
        ),
        (
            measurements(curve(SMALL, [0.5, *HOLES]), curve(LARGE, [0.5, *HOLES])),
            "2 of 20 checkpoints so far: too few to say what the curves do.",
        ),
        (
            measurements(curve(SMALL, [math.nan])),
            "0 of 1 checkpoint so far: too few to say what the curves do.",
        ),
        (
            measurements(curve(SMALL, [0.5] * 3), curve(LARGE, [0.5] * 3)),
            "Over 2 models, mean accuracy stays at **50.0%**.",
        ),
        (
            measurements(curve(SMALL, [0.1, 0.2, math.nan]), curve(LARGE, [0.3, 0.4, math.nan])),
            "4 of 6 checkpoints so far. Over 2 models, mean accuracy goes from **20.0% to 30.0%**.",
        ),
        (
            measurements(),
            "Every model has one checkpoint here, so there is no curve: run more, or choose a model group that has "
            "several.",
        ),
    ],
    ids=[
        "one model",
        "it counts",
        "one checkpoint",
        "finished",
        "too few",
        "not run",
        "level",
        "half run",
        "nothing",
    ],
)
def test_the_rise_at_its_edges(measured: Measurements, says: str) -> None:
    assert curve_words.rise_sentence(measured, "acc") == says


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_its_sentence(metric: str) -> None:
    said = curve_words.rise_sentence(full(), metric)
    assert said.endswith(".")
    assert "nan" not in said


# --- what a drawing leaves out --------------------------------------------------------------------------


def axis(**changes) -> Axis:
    plain_axis = {"kind": "tokens", "log": False, "title": "tokens", "unit": 1.0, "window_end": None}
    return Axis(**{**plain_axis, "left_out": (), "at_zero": 0, **changes})


@pytest.mark.parametrize(
    ("drawn_over", "says"),
    [
        (axis(), ""),
        (axis(untold=("a",)), "The axis shows training steps, because the token counts of a are unknown."),
        (axis(at_zero=1), "Checkpoints at 0 have no place on a logarithmic axis."),
        (
            axis(kind="compute", left_out=("a", "b")),
            "Compute is 6 · parameters · tokens; models of different sizes leave the early window at "
            "different places, so it is not drawn.",
        ),
    ],
    ids=["nothing", "steps", "zero", "compute"],
)
def test_what_has_no_place_on_an_axis_is_named(drawn_over: Axis, says: str) -> None:
    assert curve_words.axis_note(drawn_over, None) == says


def test_a_line_over_the_points_says_how_it_was_made() -> None:
    said = curve_words.axis_note(axis(), "mean of 3")
    assert said.startswith("The thick line is the mean of ")
    assert said.endswith("; the points are as measured.")


def test_small_charts_say_what_they_share_and_which_subjects_have_none() -> None:
    assert curve_words.subject_panels_note(1, [], axis()) == ""
    assert curve_words.subject_panels_note(2, ["law", "music"], axis(at_zero=1)) == (
        "All charts share both axes; bands are of the subject's own questions. Smaller subjects without a "
        "chart: law and music. Checkpoints at 0 have no place on a logarithmic axis."
    )


# --- by subject, question by question -------------------------------------------------------------------


def test_subjects_are_told_by_where_the_models_that_count_end() -> None:
    measured = with_subjects()
    shown, others = subjects.curves_by_subject(measured, "acc", bands=False)
    ends = {
        one.subject: float(
            np.mean(
                [measured.per_question[c.model.name]["acc"][-1][where].mean() for c in measured.scored_curves]
            )
        )
        for one, where in zip(shown, (slice(0, 30), slice(30, 50), slice(50, 60)), strict=True)
    }
    said = curve_words.subjects_headline(measured, "acc", shown, others)
    best, worst = (pick(ends, key=lambda name: ends[name]) for pick in (max, min))
    assert f"ends highest on **{best}** ({formatting.percent(ends[best])}, " in said
    assert f"lowest on **{worst}** ({formatting.percent(ends[worst])}, " in said
    assert said.startswith("Of 3 subjects, ")
    alone = curve_words.subjects_headline(measured, "acc", shown[:1], [])
    assert alone == "All questions are of one subject, **physics**."
    assert "nothing is known of single subjects" in curve_words.subjects_headline(measured, "acc", [], [])


def test_questions_are_counted_by_whether_they_rise() -> None:
    frame = pd.DataFrame({"acc_first": [0.0, 0.5, 1.0, np.nan], "acc_last": [1.0, 0.5, 0.5, 1.0]})
    said = curve_words.questions_headline(frame)
    assert (
        "From first to last checkpoint, **1 of 3** questions come to be answered right by more models and **1** by fewer."
        in said
    )
    assert said.endswith("1 question without both results is left out.")
    assert (
        curve_words.questions_headline(frame.iloc[:3], has_curve=False)
        == "At its one checkpoint every model here answers **1 of 3** questions right."
    )
    assert "nothing is said" in curve_words.questions_headline(frame.iloc[3:])
    assert "No model here counts" in curve_words.questions_headline(frame[["acc_last"]])
