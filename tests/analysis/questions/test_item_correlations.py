"""Item-rest correlations and alpha, beside the values of R's psych, and what must hold of any.

`PSYCH` and `ALPHA` were computed once with psych 2.4.12 under R 4.5.0, with a file `items.txt` of the lines `ITEMS`:

    library(psych)
    x <- sapply(readLines("items.txt"), function(s) as.integer(strsplit(s, "")[[1]])); colnames(x) <- NULL
    for (q in 1:ncol(x)) {
      rest <- rowMeans(x[, -q]); high <- as.integer(rest > median(rest))
      b <- if (sd(x[, q]) > 0) biserial(rest, x[, q])[1, 1] else NA
      t <- if (sd(x[, q]) > 0) tetrachoric(cbind(x[, q], high))$rho[1, 2] else NA
      cat(q, sprintf("%.6f %.6f", b, t), "\n")
    }
    a <- alpha(as.data.frame(x), warnings = FALSE)
    cat(sprintf("%.6f", a$total$raw_alpha), a$feldt$lower.ci[[1]], a$feldt$upper.ci[[1]], a$nvar)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from e2lm_core.analysis.questions import item_correlations
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support.measured import measurements, question_set

# A line for each question, a character for each of 32 models. The ninth question is right for all; of the tenth
# no model is right that is high on the rest.
ITEMS = [
    "11111110111101111010101011010111",
    "10111110111001101011001111000101",
    "01110010111101111110011001010000",
    "01111110111001001000000011011000",
    "10001000110000000001110001000000",
    "00010100100011100000001000000100",
    "11010111111101110110110110011100",
    "00011000110001000000010001000000",
    "11111111111111111111111111111111",
    "01000000000110010100000000101010",
]
PSYCH = [  # biserial, tetrachoric
    (0.552817, 0.544267),
    (0.276553, 0.129396),
    (0.481928, 0.225228),
    (0.544708, 0.617603),
    (0.029372, 0.135650),
    (0.213093, 0.209299),
    (0.094122, -0.138927),
    (0.720484, 0.697908),
    (np.nan, np.nan),
    (-0.734372, -0.644073),
]
ALPHA = (0.409704, 0.045990, 0.673400, 9)
# R's optimize() stops within about 1e-4 of the most likely correlation.
R_STOPS_WITHIN = 2e-4


@pytest.fixture(scope="module")
def right() -> np.ndarray:
    return np.array([[int(one) for one in line] for line in ITEMS]).T


def test_biserial_is_that_of_psych(right: np.ndarray) -> None:
    expected = [of[0] for of in PSYCH]
    assert item_correlations.biserial(right) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_tetrachoric_is_that_of_psych(right: np.ndarray) -> None:
    expected = [of[1] for of in PSYCH]
    assert item_correlations.tetrachoric(right) == pytest.approx(expected, abs=R_STOPS_WITHIN, nan_ok=True)


def test_alpha_and_its_interval_are_those_of_psych(right: np.ndarray) -> None:
    alpha = item_correlations.cronbach_alpha(right)
    assert alpha == pytest.approx(ALPHA[0], abs=1e-6)
    assert item_correlations.feldt_interval(alpha, len(right), ALPHA[3]) == pytest.approx(
        ALPHA[1:3], abs=1e-6
    )


def test_alpha_by_hand() -> None:
    # Sums 0, 1, 3 of variance 7/3; variances 1/3, 1/3, 1/3: 3/2 (1 − 3/7)
    assert item_correlations.cronbach_alpha([[0, 0, 0], [1, 0, 0], [1, 1, 1]]) == pytest.approx(6 / 7)
    assert np.isnan(item_correlations.cronbach_alpha([[0, 1], [1, 1]]))  # one question varies
    assert np.isnan(item_correlations.cronbach_alpha([[0, 1], [1, 0]]))  # equal sums


def test_the_bivariate_normal_is_that_of_scipy() -> None:
    places = [(0.0, 0.0), (0.0, 0.7), (-0.3, 0.0), (-1.2, 0.4), (0.9, 1.1), (-0.5, -2.0)]
    for rho in (-0.95, -0.3, 0.0, 0.6, 0.99):
        expected = [multivariate_normal.cdf(at, cov=[[1, rho], [rho, 1]], abseps=1e-12) for at in places]
        h, k = np.array(places).T
        assert item_correlations._both_below(h, k, np.full(len(h), rho)) == pytest.approx(expected, abs=1e-7)


def test_a_planted_correlation_is_found() -> None:
    rng = np.random.default_rng(1)
    both = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=40_000)
    question = both[:, 0] > 0.4
    # The rest are copies of the second variable at nine thresholds, so that "high" is a threshold on it.
    rest = both[:, 1:] > np.linspace(-0.8, 0.8, 9)
    found = item_correlations.tetrachoric(np.column_stack([question, rest]))[0]
    assert found == pytest.approx(0.6, abs=0.02)


def test_a_question_on_which_models_agree_is_undefined(right: np.ndarray) -> None:
    for figure in (item_correlations.biserial, item_correlations.tetrachoric):
        assert np.isnan(figure(np.ones((40, 3)))).all()
        assert np.isnan(figure(right)).tolist() == [False] * 8 + [True, False]


# --- in the table of questions ------------------------------------------------------------------------------


def many_models(skill: float, shared: float, count: int = 32, questions: int = 40) -> Measurements:
    """Results of many models at two checkpoints, as log-likelihoods of four choices.

    Args:
        skill: How much more a model's right answers gain, times its own ability.
        shared: How strongly the models of either half prefer one answer of their own, whatever the key.
        count: Number of models.
        questions: Number of questions.
    """
    rng = np.random.default_rng(2)
    ability = rng.normal(size=count)
    taste = rng.normal(size=(2, questions, 4))
    curves = []
    for number in range(count):
        model = ModelInfo(name=f"m{number}", family="many", size="small", arch="one")
        ll = rng.normal(size=(2, questions, 4)) + shared * taste[number % 2] - 20
        ll[..., 0] += 1 + skill * ability[number]
        checkpoints = tuple(Checkpoint(model=model, step=n, tokens_seen=n * 1000) for n in (100, 200))
        curves.append(ModelCurve(model, checkpoints, ll))
    return replace(measurements(*curves), chars=np.full((questions, 4), 3.0))


def test_alpha_of_ability_is_above_that_of_random_keys_and_that_of_tastes_is_not() -> None:
    able, alike = many_models(skill=1.5, shared=0.0), many_models(skill=0.0, shared=3.0)
    found = question_pool.reliability(question_pool.build_pool(able, question_set(40)), able)
    assert found.alpha is not None
    assert found.alpha > 0.8
    assert found.null is not None
    assert found.null.p <= 0.01
    found = question_pool.reliability(question_pool.build_pool(alike, question_set(40)), alike)
    assert found.null is not None
    assert found.null.p > 0.05
    assert found.null.q95 > 0.5  # two halves of one taste each: a key that suits one of them makes alpha high


def test_the_table_has_them_from_thirty_models_on() -> None:
    many, few = many_models(1.5, 0.0, 30), many_models(1.5, 0.0, 29)
    pool = question_pool.build_pool(many, question_set(40))
    frame = question_pool.question_frame(pool, question_set(40))
    right = np.stack([many.per_question[f"m{n}"]["acc"][-1] for n in range(30)])
    assert frame["biserial"].tolist() == pytest.approx(item_correlations.biserial(right).tolist())
    assert frame["tetrachoric"].tolist() == pytest.approx(item_correlations.tetrachoric(right).tolist())
    pool = question_pool.build_pool(few, question_set(40))
    assert question_pool.question_frame(pool, question_set(40))["biserial"].isna().all()
    reasons = question_pool.undefined_reasons(pool)
    assert "need 30 models that count, and there are 29" in reasons["tetrachoric"]
    found = question_pool.reliability(pool, few)
    assert (found.alpha, found.why) == (None, reasons["biserial"])
    assert (item_correlations.too_few_reason(1) or "").endswith("and there is 1.")
