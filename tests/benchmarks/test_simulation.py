"""The simulated fleets: what they know is what they were made to know."""

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.scores.metrics import curve
from tests.support import simulation


@pytest.fixture(scope="module")
def curves():
    """{learner: {metric: [M, K]}} on a set that is large enough to see the source."""
    found = {}
    for learner in simulation.LEARNERS:
        drawn = simulation.draw(simulation.fleet(learner, 3), 1500, 1)
        found[learner] = {metric: curve(values) for metric, values in drawn.items()}
    return found


def test_the_fleet_is_six_sizes_two_more_seeds_and_a_twin():
    fleet = simulation.fleet("fast", 0)
    assert fleet.names == (
        *("size1", "size2", "size3", "size4", "size5", "size6"),
        *("size3-seed2", "size3-seed3", "size3-web"),
    )
    assert fleet.ability.shape == fleet.bits.shape == (9, 16)
    assert fleet.early.sum() == 12


def test_flat_learners_stay_at_chance(curves):
    assert np.abs(curves["flat"]["acc"] - 0.25).max() < 0.06
    assert np.abs(np.polyfit(range(16), curves["flat"]["norm_prob"].T, 1)[0]).max() < 0.001


def test_slow_learners_start_at_chance_and_rise_late(curves):
    acc = curves["slow"]["acc"][:6]
    assert np.abs(acc[:, 0] - 0.25).max() < 0.06
    assert (acc[:, -1] > 0.35).all()
    assert (acc[:, -1] - acc[:, 8] > acc[:, 8] - acc[:, 0]).mean() > 0.5


def test_fast_learners_are_nearly_done_in_the_early_window(curves):
    acc = curves["fast"]["acc"][:6]
    assert (acc[:, 11] > 0.8).all()
    assert (acc[:, 11] - acc[:, 0] > 4 * (acc[:, -1] - acc[:, 11])).all()


def test_the_twin_learns_no_answers_but_reads_as_well(curves):
    for learner in simulation.LEARNERS:
        assert np.abs(curves[learner]["acc"][-1] - 0.25).max() < 0.06
    bits = curves["fast"]["bpb"][-1]
    assert bits[-1] < bits[0]


def test_answers_that_linger_change_less_from_checkpoint_to_checkpoint():
    """By bpb, which is linear in e: of a memory of .7 the changes between neighbours have (1 - .7) of the variance, those
    between the ends all of it."""
    fleet = simulation.fleet("flat", 3)
    passing, lingering = (
        simulation.draw(replace(fleet, passing=0.8, memory=memory), 4000, 1)["bpb"] for memory in (0.0, 0.7)
    )

    def changes(values, step):
        return (values[:, step:] - values[:, :-step]).var(axis=-1).mean()

    assert changes(lingering, 1) / changes(passing, 1) == pytest.approx(0.3, abs=0.02)
    assert changes(lingering, 15) / changes(passing, 15) == pytest.approx(1.0, abs=0.04)
    known = simulation.fleet("lingering", 3)
    assert (known.passing, known.memory) == (0.8, 0.7)
    assert simulation.fleet("steps", 3).memory == 0.0


def test_larger_models_are_ahead(curves):
    assert (curves["fast"]["norm_prob"][5, :8] > curves["fast"]["norm_prob"][0, :8]).all()


def test_seeds_decide():
    one, other = simulation.fleet("slow", 1), simulation.fleet("slow", 2)
    assert (one.ability != other.ability).any()
    assert (simulation.draw(one, 5, 1)["margin"] == simulation.draw(one, 5, 1)["margin"]).all()
    assert (simulation.draw(one, 5, 1)["margin"] != simulation.draw(one, 5, 2)["margin"]).all()


def test_runs_name_the_roles():
    fleet = simulation.fleet("flat", 0)
    runs = simulation.runs(fleet, simulation.draw(fleet, 4, 0))
    assert [run.counts for run in runs.values()] == [True] * 6 + [False] * 3
    assert runs["size3-web"].twin_of == "size3"
    assert runs["size1"].per_question["acc"].shape == (16, 4)


def test_an_unknown_learner_is_said():
    with pytest.raises(ValueError, match="known are flat, slow, fast"):
        simulation.fleet("quick", 0)
