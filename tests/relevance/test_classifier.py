import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from e2lm_core.relevance.calibration import auroc, calibration_table
from e2lm_core.relevance.classifier import FIELDS, WIDTH, Classifier, map_2d, sigmoid


def clusters(seed=0, per_class=40, dimensions=8, spread=0.6):
    """Unit vectors: rejected ones around one point, accepted ones around three, one for each of three fields."""
    rng = np.random.default_rng(seed)
    centres = np.eye(dimensions)[:4] * 1.5
    fields = ["none", "physics", "biology", "computing"]
    rows, labels, names = [], [], []
    for k, field in enumerate(fields):
        count = per_class * 3 if field == "none" else per_class
        rows.append(centres[k] + rng.normal(scale=spread, size=(count, dimensions)))
        labels += [field != "none"] * count
        names += [field] * count
    x = np.concatenate(rows)
    return x / np.linalg.norm(x, axis=1, keepdims=True), np.array(labels), names


# --- by hand -------------------------------------------------------------------------------------


def test_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_map_by_hand():
    exemplars = np.array([[-2.0, 0, 5], [2, 0, 5], [0, 1, 5], [0, -1, 5]])
    points, projected = map_2d(exemplars, np.array([[1.0, 3.0, 9.0]]))
    np.testing.assert_allclose(points, exemplars[:, :2], atol=1e-12)
    np.testing.assert_allclose(projected, [[1, 3]], atol=1e-12)


def test_map_of_no_questions_and_of_too_few_exemplars():
    points, projected = map_2d(np.eye(4), np.empty((0, 4)))
    assert points.shape == (4, 2)
    assert projected.shape == (0, 2)
    with pytest.raises(ValueError, match="at least three exemplars"):
        map_2d(np.eye(2), np.empty((0, 2)))


# --- the classifier ------------------------------------------------------------------------------


def test_it_learns_separate_clusters_and_their_fields():
    x, labels, fields = clusters(spread=0.4)
    classifier = Classifier.fit(x, labels, fields)
    unseen, truth, true_fields = clusters(seed=1, spread=0.4)
    p = classifier.probability(unseen)
    assert auroc(truth, p) > 0.97
    assert ((p > 0) & (p < 1)).all()
    assert np.mean([a == b for a, b in zip(classifier.field(unseen), true_fields, strict=True)]) > 0.9
    assert set(classifier.nearest_field(unseen)) == {"physics", "biology", "computing"}


def test_probabilities_are_calibrated_on_unseen_rows():
    x, labels, fields = clusters(spread=1.4, per_class=150)
    classifier = Classifier.fit(x, labels, fields)
    unseen, truth, _ = clusters(seed=2, spread=1.4, per_class=600)
    for b in calibration_table(truth, classifier.probability(unseen)):
        assert b.mean_probability == pytest.approx(b.accepted_share, abs=0.1)


def test_field_is_none_exactly_below_one_half():
    x, labels, fields = clusters(spread=1.4)
    classifier = Classifier.fit(x, labels, fields)
    p = classifier.probability(x)
    assert [name == "none" for name in classifier.field(x)] == (p < 0.5).tolist()


def test_the_fit_is_deterministic_and_survives_arrays():
    x, labels, fields = clusters()
    one, two = Classifier.fit(x, labels, fields), Classifier.fit(x, labels, fields)
    again = Classifier.from_arrays(one.anchors, one.to_arrays())
    assert one.probability(x).tolist() == two.probability(x).tolist() == again.probability(x).tolist()
    assert one.field(x) == again.field(x)


@pytest.mark.parametrize("kept", [("physics",), ("physics", "biology")])
def test_one_or_two_fields_are_enough(kept):
    x, labels, fields = clusters()
    rows = np.array([f in (*kept, "none") for f in fields])
    classifier = Classifier.fit(x[rows], labels[rows], [f for f in fields if f in (*kept, "none")])
    accepted = x[rows][labels[rows]]
    truth = [f for f in fields if f in kept]
    assert np.mean([a == b for a, b in zip(classifier.nearest_field(accepted), truth, strict=True)]) > 0.9


def test_a_fit_by_hand():
    # Ten rows of two orthogonal points, so that the kernel is 1 within a point and e⁻⁴ between them. Within each point
    # rows are alike, so are their weights w: 5w + λw + 5e⁻⁴(−w) = 1, as the labels are balanced.
    x = np.repeat(np.eye(2), 5, axis=0)
    labels = np.repeat([True, False], 5)
    fitted = Classifier.fit(x, labels, ["physics"] * 5 + ["none"] * 5)
    weight = 1 / (5 + fitted.penalty - 5 * np.exp(-2 * WIDTH))
    np.testing.assert_allclose(fitted.weights, np.where(labels, weight, -weight), rtol=1e-9)
    score = 5 * weight * (1 - np.exp(-2 * WIDTH))
    expected = sigmoid(fitted.slope * np.array([score, -score]) + fitted.offset)
    np.testing.assert_allclose(fitted.probability(np.eye(2)), expected, rtol=1e-9)


def test_what_is_said_of_rows_left_out_is_what_fits_without_them_say():
    x, labels, fields = clusters(per_class=6, spread=1.0)
    whole = Classifier.fit(x, labels, fields)
    logit = np.log(whole.folded / (1 - whole.folded))
    left_out = (logit - whole.offset) / whole.slope
    targets = np.where(labels, 1.0, -1.0)
    for n in range(0, len(x), 5):
        kept = np.arange(len(x)) != n
        distance = ((x[:, None] - x[None]) ** 2).sum(axis=2)
        kernel = np.exp(-WIDTH * distance)
        # The mean of all labels is taken off, also of those left out: one of 36 moves it little, and the same for all.
        weights = np.linalg.solve(
            kernel[np.ix_(kept, kept)] + whole.penalty * np.eye(kept.sum()), targets[kept] - targets.mean()
        )
        assert left_out[n] == pytest.approx(kernel[n, kept] @ weights + targets.mean(), abs=1e-8)


def test_noise_is_not_believed():
    # Labels that mean nothing: what lies near a row says nothing of it, and the probabilities stay near a half.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 40))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    labels = np.arange(120) % 2 == 0
    fitted = Classifier.fit(x[:60], labels[:60], ["physics" if ok else "none" for ok in labels[:60]])
    assert np.abs(fitted.probability(x[60:]) - 0.5).max() < 0.35


def test_many_questions_are_judged_as_one_alone(monkeypatch):
    x, labels, fields = clusters()
    fitted = Classifier.fit(x, labels, fields)
    monkeypatch.setattr("e2lm_core.relevance.classifier._AT_ONCE", 7)
    alone = [float(fitted.probability(row[None])[0]) for row in x[:20]]
    np.testing.assert_allclose(fitted.probability(x[:20]), alone, rtol=1e-12)
    assert fitted.probability(x[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": ["alchemy"] * 20}, "unknown fields"),
        ({"fields": ["none"] * 20}, "an accepted row needs a field"),
        (
            {"labels": [True] * 18 + [False] * 2, "fields": ["physics"] * 18 + ["none"] * 2},
            "at least 5 exemplars",
        ),
        ({"labels": [True]}, "1 labels"),
    ],
)
def test_fit_refuses_what_it_cannot_use(change, message):
    arguments = {
        "embeddings": np.eye(20),
        "labels": [True] * 10 + [False] * 10,
        "fields": ["physics"] * 10 + ["none"] * 10,
    } | change
    with pytest.raises(ValueError, match=message):
        Classifier.fit(**arguments)


def test_the_fields_are_ten_and_none():
    assert len(FIELDS) == len(set(FIELDS)) == 11
    assert FIELDS[-1] == "none"


# --- properties ----------------------------------------------------------------------------------


@given(
    hnp.arrays(
        float, st.tuples(st.integers(3, 12), st.integers(2, 6)), elements=st.integers(-9, 9).map(float)
    )
)
@settings(max_examples=40, deadline=None)
def test_the_map_is_centred_and_its_first_axis_the_widest(exemplars):
    points, projected = map_2d(exemplars, exemplars)
    np.testing.assert_allclose(points, projected, atol=1e-9)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-9)
    assert points[:, 0].var() >= points[:, 1].var() - 1e-9
