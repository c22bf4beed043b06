"""Evaluations joined to curves: repeats, mixtures and gaps are each one sentence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.imported.join import labels
from tests.support import harness_files
from tests.support.harness_files import one, read, the


def test_of_a_revision_that_was_run_twice_the_newest_counts():
    """Whatever the order of the files and of their names: the date inside decides."""
    files = dict([one(5, acc=0.1, date=100.0), one(1, acc=0.9, date=200.0), one(3, acc=0.5, date=150.0)])
    for order in (files, dict(reversed(files.items()))):
        imported = read(order)
        assert the(imported).scores == (0.9,)
        [said] = [p for p in imported.problems if "was run" in p]
        assert "pythia-70m at step1000 was run 3 times on metals: the newest of 1970-01-01" in said
        assert harness_files.stamp(1) in said


def test_without_a_date_inside_the_files_name_decides():
    imported = read(dict([one(5, acc=0.1, date=None), one(1, acc=0.9, date=None)]))
    assert the(imported).scores == (0.1,)


def test_many_repeats_are_said_once():
    files = [one(2 * k + r, revision=f"step{k}000", date=r) for k in range(1, 6) for r in range(2)]
    [said] = [p for p in read(dict(files)).problems if "run more than once" in p]
    assert "at 5 checkpoints (step1000, step2000, step3000 and 2 more)" in said


def test_mixed_few_shot_counts_stay_apart():
    files = dict([one(k, revision=f"step{k}000", shots=5 if k == 3 else 0) for k in (1, 2, 3)])
    imported = read(files)
    curves = [c for c in imported.curves if c.metric == "acc"]
    assert {(c.num_fewshot, c.steps) for c in curves} == {(0, (1000, 2000)), (5, (3000,))}
    assert sorted(labels(curves)) == ["pythia-70m, 0-shot", "pythia-70m, 5-shot"]
    [said] = [p for p in imported.problems if "kept apart" in p]
    assert said.startswith("pythia-70m was run on metals 0-shot at 2 checkpoints and 5-shot at 1 checkpoint:")


def test_other_numbers_of_questions_stay_apart():
    imported = read(dict([one(1, n=3), one(2, revision="step2000", n=380)]))
    assert len(imported.curves) == 2
    assert any("on 3 questions at 1 checkpoint and on 380 questions at 1" in p for p in imported.problems)


def test_missing_revisions_are_named():
    [said] = [p for p in read(dict([one(1)])).problems if "known checkpoints" in p]
    assert said == (
        "pythia-70m has no result at 153 of its 154 known checkpoints (step0, step1, step2 and 150 more)."
    )


@given(st.permutations(range(6)), st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_the_order_of_files_changes_nothing(order, scores):
    files = [one(k, revision=f"step{k + 1}000", acc=scores[k]) for k in range(6)]
    imported = read(dict(files[k] for k in order))
    assert the(imported).steps == tuple(1000 * (k + 1) for k in range(6))
    assert the(imported).scores == tuple(scores)
