"""The published figures that ship: as the organisers printed them, and in accord with each other and the documents."""

from __future__ import annotations

import pytest

from e2lm_core.analysis.score.published import published_figures
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.score import published_frame
from tests.conftest import ROOT

FIGURES = published_figures()


def test_mmlu_vars_signal_quality_is_the_mean_of_its_three_models() -> None:
    of_models = {f.model: f.sq for f in FIGURES.signal_quality if f.benchmark == "mmlu-var"}
    assert of_models == {"dense-500m-arch1": 0.9354, "dense-1b-arch1": 0.9814, "dense-3b-arch1": 0.9601}
    (total,) = FIGURES.totals
    assert (total.name, total.total, total.sq_mean) == ("mmlu-var", 0.717, 0.959)
    assert sum(of_models.values()) / 3 == pytest.approx(total.sq_mean, abs=0.0005)


def test_a_published_signal_quality_is_the_mean_of_what_it_is_made_of() -> None:
    parts = [f for f in FIGURES.signal_quality if f.rho is not None]
    assert {f.benchmark for f in parts} == {"arc_challenge", "anli_r3"}
    for figure in parts:
        assert (figure.rho + figure.autocorrelation) / 2 == pytest.approx(figure.sq, abs=1.1e-4)


def test_every_total_is_marked_as_not_comparable_and_every_figure_has_its_source() -> None:
    assert not any(total.comparable for total in FIGURES.totals)
    sources = (FIGURES.source, FIGURES.curve_means_source, *(total.source for total in FIGURES.totals))
    assert all("arXiv 2506.07731" in s or "MIT" in s for s in sources)


def test_the_source_of_what_is_computed_here_is_a_sentence_that_pages_translate() -> None:
    assert isinstance(FIGURES.curve_means_source, Sentence)
    assert isinstance(published_frame(FIGURES)["source"].iloc[-1], Sentence)


def test_the_means_computed_here_are_eight_in_falling_order_and_mmlu_var_is_not_among_them() -> None:
    means = [mean.sq_mean for mean in FIGURES.curve_means]
    assert len(means) == 8
    assert means == sorted(means, reverse=True)
    assert "mmlu-var" not in {mean.benchmark for mean in FIGURES.curve_means}


def test_shipped_figures_need_no_reference_folder() -> None:
    assert len(FIGURES.signal_quality) == 5


def test_the_document_says_the_published_total() -> None:
    document = (ROOT / "docs" / "scores.md").read_text(encoding="utf-8")
    assert f"mmlu-var's published total is {FIGURES.totals[0].total}" in document
