"""Evaluations joined to curves: repeats, mixtures and gaps are each one sentence."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.settings import Settings
from e2lm_core.imported import documents, saved_imports
from e2lm_core.imported.join import curve_labels
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
    assert sorted(curve_labels(curves)) == ["pythia-70m, 0-shot", "pythia-70m, 5-shot"]
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


def test_percent_is_read_as_percent_and_said():
    for metric in ("acc", "acc_norm", "accuracy", "acc_raw"):
        data = f"model,task,metric,step,score,stderr\nm,t,{metric},1,41.0,1.5\nm,t,{metric},2,0,0\nm,t,bpb,1,7,1\n"
        imported = read({"x.csv": data.encode()})
        curve = the(imported, metric)
        assert (curve.scores, curve.stderr) == ((0.41, 0.0), (0.015, 0.0))
        assert the(imported, "bpb").scores == (7.0,)
        [said] = [p for p in imported.problems if "percent" in p]
        assert said == f"x.csv: {metric} is read as percent (the first above 1 is 41) and divided by 100."


@pytest.mark.parametrize("scores", [(41.0, 0.41), (41.0, 141.0), (-0.1, 0.5), (1.0, 41.0)])
def test_neither_shares_nor_percent_is_refused(scores):
    rows = "".join(f"m,t,acc,{k},{score}\nm,t,loss,{k},2\n" for k, score in enumerate(scores))
    imported = read({"x.csv": f"model,task,metric,step,score\n{rows}".encode()})
    assert [curve.metric for curve in imported.curves] == ["loss"]
    assert any("acc of this file is left out" in p for p in imported.problems)


# --- how a run was made -----------------------------------------------------------------------------------------

DIFFERENCES = ("seed", "adapter", "chat", "system", "bits", "dtype", "version")


def run_with(differences: frozenset[str], step: int, number: int) -> tuple[str, bytes]:
    """One run of DataDecide's c4-150M that differs from its plain one in the ways named, with a score of its own."""
    seed = "14" if "seed" in differences else "default"
    arguments = {
        "pretrained": "allenai/DataDecide-c4-150M",
        "revision": f"step{step}-seed-{seed}",
        "dtype": "float16" if "dtype" in differences else "float32",
    }
    arguments |= {"peft": "me/lora"} if "adapter" in differences else {}
    arguments |= {"load_in_4bit": "True"} if "bits" in differences else {}
    chat = {
        "chat_template": "{{ messages }}",
        "chat_template_sha": "c0ffee00" * 8,
        "fewshot_as_multiturn": True,
    }
    system = {"system_instruction": "Be brief.", "system_instruction_sha": "beef" * 16}
    return one(
        number,
        acc=number / 100,
        date=float(number),
        versions={"metals": 2.0 if "version" in differences else 1.0},
        config={"model": "hf", "model_args": ",".join(f"{k}={v}" for k, v in arguments.items())},
        **(chat if "chat" in differences else {}),
        **(system if "system" in differences else {}),
    )


SETS_OF_DIFFERENCES = [
    frozenset(some) for size in (0, 1, 2) for some in itertools.combinations(DIFFERENCES, size)
]


@pytest.mark.parametrize("other_step", [False, True])
def test_runs_that_differ_are_never_one_curve_without_a_word(other_step):
    """Every two of the plain run, the seven that differ in one way and the 21 that differ in two."""
    for first, second in itertools.combinations(SETS_OF_DIFFERENCES, 2):
        steps = (5_000, 10_000 if other_step else 5_000)
        imported = read(dict(run_with(some, steps[at], at + 1) for at, some in enumerate((first, second))))
        curves = [curve for curve in imported.curves if curve.metric == "acc"]
        if first ^ second == {"dtype"}:  # the same text and the same weights: one curve, of which it is said
            assert len(curves) == 1, (first, second)
            assert any("float16" in said and "float32" in said for said in imported.problems), (first, second)
            continue
        assert {(c.steps, c.scores) for c in curves} == {((steps[0],), (0.01,)), ((steps[1],), (0.02,))}, (
            first,
            second,
        )
        assert len(set(curve_labels(curves))) == 2, (first, second)
        assert any("curve of its own" in said or "kept apart" in said for said in imported.problems), (
            first,
            second,
        )


def test_an_import_with_runs_of_all_kinds_is_the_same_after_export_and_keeping(tmp_path):
    """As JSON, as CSV and kept: the same curves with the same labels, none joined and none lost."""
    files = dict(
        run_with(some, step, place + 1)
        for place, (some, step) in enumerate(itertools.product(SETS_OF_DIFFERENCES, (5_000, 10_000)))
    )
    imported = read(files)
    curves = {
        (label, c.metric): (c.steps, c.scores, c.stderr)
        for label, c in zip(curve_labels(imported.curves), imported.curves, strict=True)
    }
    assert len(curves) == len(imported.curves)
    for name, data in (
        ("x.json", json.dumps(documents.document(imported)).encode()),
        ("x.csv", documents.csv(imported.curves)),
    ):
        again = read({name: data})
        assert {
            (label, c.metric): (c.steps, c.scores, c.stderr)
            for label, c in zip(curve_labels(again.curves), again.curves, strict=True)
        } == curves, name
        assert {c.model.name: c.model.seed_of for c in again.curves} == {
            c.model.name: c.model.seed_of for c in imported.curves
        }
    settings = Settings(home=tmp_path / "home")
    saved_imports.save_import(settings, "mine", imported)
    assert saved_imports.open_saved(settings, "mine").curves == imported.curves


def test_how_a_run_was_made_stands_in_the_name_of_its_curve():
    files = [
        one(k, revision=f"step{k}000", chat_template="{{ x }}", chat_template_sha="abcdef0123")
        for k in (1, 2)
    ]
    imported = read(dict(files))
    assert curve_labels([the(imported)]) == ["pythia-70m, with the chat template abcdef01"]
