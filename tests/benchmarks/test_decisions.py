"""Study of the probability to end ahead: what is written is what it gives, and the limits that it has to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import study_pages
from benchmarks.decisions import folds, growth, noise, report
from benchmarks.decisions.table import cases_of, fit_coefficients, shelf_table, with_terms
from e2lm_core.analysis.decisions import probability
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.collection import open_set
from tests.conftest import needs

PAGE = "decisions"


@pytest.fixture(scope="module")
def science(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measurements]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, tasks=ROOT / "tasks", ladder=needs("ladder"), shipped=True)
    studio = open_studio(settings)
    yield load_measurements(studio, open_set(settings, "ladder_science"), studio.catalogue.checkpoints)
    studio.store.database.close()


def rows_of(name: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in study_pages.table_of(PAGE, name).splitlines()[2:]
        if line.startswith("|")
    ]


def test_the_coefficients_in_use_are_those_of_the_shelf() -> None:
    found, used = fit_coefficients(shelf_table()), probability.load_coefficients()
    assert found == used.model_copy(update={"reliability": ()})
    assert report.coefficients_table(used) == study_pages.table_of(PAGE, "coefficients")


def test_pythia_told_from_the_competitions_models_is_as_the_page_says() -> None:
    fold = folds.FOLDS[0]
    rows = folds.tell(fold, shelf_table())
    assert not fold.train(rows).any()
    for table in (report.reliability_table({fold.name: rows}), report.sizes_table({fold.name: rows})):
        page = study_pages.table_of(PAGE, "reliability") + study_pages.table_of(PAGE, "sizes")
        assert all(line in page for line in table.splitlines()[2:])
    bands = report.with_reliability(probability.load_coefficients(), {fold.name: rows}).reliability
    used = [of for of in probability.load_coefficients().reliability if of.left_out == fold.name]
    assert list(bands) == used


@pytest.mark.slow
def test_the_page_is_the_studys_output() -> None:
    coefficients = fit_coefficients(shelf_table())
    for name, table in report.tables(coefficients, report.left_out()):
        assert table == study_pages.table_of(PAGE, name), name


def test_a_family_that_is_left_out_takes_no_part() -> None:
    table = shelf_table()
    for fold in folds.FOLDS:
        train, test = table[fold.train(table)], table[fold.test(table)]
        assert not set(train.index) & set(test.index)
        models = {*train["first_model"], *train["second_model"]}
        assert not models & {*test["first_model"], *test["second_model"]}, fold.name


def test_shuffled_outcomes_say_nothing() -> None:
    table = shelf_table()
    wrong = table.assign(outcome=np.random.default_rng(0).permutation(table["outcome"].to_numpy()))
    balanced = wrong.assign(outcome=np.where(np.random.default_rng(1).random(len(wrong)) < 0.5, 0.0, 1.0))
    found = fit_coefficients(balanced)
    told = probability.probabilities(cases_of(with_terms(balanced)), found).values
    assert np.nanmax(np.abs(told - 0.5)) < 0.1


def test_a_band_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "first_model": ["a", "a", "b"],
            "second_model": ["b", "c", "c"],
            "family": ["x"] * 3,
            "p": [0.8, 0.3, np.nan],
            "outcome": [1.0, 1.0, 0.0],
            "size_ratio": [1.0, 2.0, 2.0],
        }
    )
    told = folds.with_right(rows)
    assert told["stated"].tolist()[:2] == pytest.approx([0.8, 0.7])
    assert told["right"].tolist()[:2] == [1.0, 0.0]
    found = folds.band(folds.in_band(told, 0.6, 0.85))
    assert found is not None
    assert (found.decisions, found.models, found.right) == (2, 3, 0.5)
    assert found.stated == pytest.approx(0.75)


@pytest.mark.parametrize("metric", probability.METRICS)
def test_sets_that_measure_nothing_get_no_decision(metric: str, science: Measurements) -> None:
    used = probability.load_coefficients()
    for sets in (noise.wandering(noise.SEED + 5_000), noise.standing(), noise.random_keys(science)):
        found = noise.count(sets, metric, used, most=12)
        assert found.sets == 12
        assert found.decided <= 3  # of a true 5%, more than three of twelve in one run of 400


def test_the_right_keys_get_one(science: Measurements) -> None:
    with_test, _ = noise.highest(science, "acc", probability.load_coefficients())
    assert with_test > 0.95


def test_the_page_holds_the_limits() -> None:
    """Demands on Pythia, told from the competition's models; of 200 sets that measure nothing at most 16 decided."""
    asked = rows_of("asked")
    of_pythia = [row for row in asked if row[0] == "Pythia"]
    assert len(of_pythia) == 6
    assert {row[-1] for row in of_pythia} == {"yes"}
    assert {row[-1] for row in asked if row[0] == "E2LM"} <= {"yes", "yes, of too few"}
    sets = rows_of("noise")
    assert len(sets) == 8
    for row in sets:
        assert row[2] == str(noise.SETS)
        assert int(row[3]) <= noise.MOST, row


def test_the_page_says_its_figures_in_short() -> None:
    text = (study_pages.FOLDER / f"{PAGE}.md").read_text(encoding="utf-8")
    short = next(line for line in text.splitlines() if line.startswith("**In short"))
    bands = {row[1]: row for row in rows_of("reliability") if row[0] == "Pythia"}
    figures = [*bands["0.75 to 0.85"][4:6]]
    figures += [
        row[2].split(" ")[0]
        for row in rows_of("asked")
        if row[:2] == ["Pythia", "stated .90 and more: right in .90"]
    ]
    figures += [*next(row for row in rows_of("sizes") if row[:2] == ["Pythia", "one size"])[4:6]]
    figures += [next(row for row in rows_of("speaks") if row[0] == "Pythia")[2]]
    for figure in figures:
        assert figure in short, figure
    most = max(int(row[3]) for row in rows_of("noise"))
    assert re.search(rf"at most {most} get", short)


def test_the_guide_says_the_studys_figures() -> None:
    short = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").split("```")[0]
    bands = [of for of in probability.load_coefficients().reliability if of.left_out == "Pythia"]
    middle = next(of for of in bands if of.low == 0.75)
    sure = [of for of in bands if of.low >= 0.9]
    right = sum(of.right * of.decisions for of in sure) / sum(of.decisions for of in sure)
    assert f"was right in .{middle.right * 100:.0f} where .75 to .85 was stated" in short
    assert f"in .{right * 100:.0f} where .90 or more was" in short


def test_seeds_that_took_no_part_are_decided_where_the_first_ones_are() -> None:
    checked = [row for row in rows_of("examples") if row[5] in ("2", "3") and row[6].isdigit()]
    assert {row[0] for row in checked} == {"ladder_science", "ladder_general"}
    for row in checked:
        pairs, all_right = int(row[6]), float(row[10])
        assert all_right >= 0.8 * pairs, row


def test_more_questions_are_foretold_no_higher_than_held_back_ones_are(science: Measurements) -> None:
    found = growth.grow(science, "acc", probability.load_coefficients(), sets=8)
    assert found is not None
    assert found.drawn == 8
    assert found.now + 0.02 < found.foretold < found.held_back + 0.01
    page = {row[0] + row[1]: row for row in rows_of("growth")}
    assert float(page["ladder_scienceacc"][7]) < 0.01
