"""Samples become measurements, where the questions are the same at every checkpoint."""

from __future__ import annotations

from e2lm_core.analysis.answers import Answers
from e2lm_core.imported import documents as imported_documents
from e2lm_core.imported import scores as imported_scores
from tests.support import harness_files
from tests.support.harness_files import read, the


def test_samples_give_measurements_and_so_every_score():
    imported = read(harness_files.folder(steps=(1000, 2000, 3000)))
    measured = imported.measured["metals"]
    assert measured.question_ids == ("q0", "q1", "q2")
    assert measured.subjects == ("chemistry",) * 3
    assert measured.curves[0].ll.shape == (3, 3, 3)
    assert the(imported).scores == (1 / 3,) * 3
    assert {c.metric for c in imported.curves} == {"acc", "acc_norm", "margin", "norm_prob", "bpb"}
    assert the(imported, "bpb").lower_is_better
    document = imported_documents.document(imported, with_scores=True)
    assert document["scores"]["metals"] == Answers(measured).score_document()
    bands = imported_scores.bands(imported, "metals", "acc")
    assert bands is not None
    assert list(bands["step"]) == [1000, 2000, 3000]
    assert not any("means alone" in p for p in imported.problems)


def of_two_models(steps: dict[str, tuple[int, ...]]) -> dict[str, bytes]:
    files, number = {}, 0
    for name, own in steps.items():
        for step in own:
            number += 1
            files[f"{name}/results_{harness_files.stamp(number)}.json"] = harness_files.results(
                pretrained=f"EleutherAI/{name}", revision=f"step{step}", date=1.7e9 + number
            )
            files[f"{name}/samples_metals_{harness_files.stamp(number)}.jsonl"] = harness_files.samples()
    return files


def test_a_checkpoint_that_a_model_has_published_and_the_import_lacks_makes_what_needs_it_undefined():
    files = of_two_models({"pythia-70m": (1000, 2000, 3000), "pythia-160m": (1000, 3000)})
    measured = read(files).measured["metals"]
    assert [curve.steps.tolist() for curve in measured.curves] == [[1000, 2000, 3000]] * 2
    assert (measured.complete_checkpoints, measured.checkpoints) == (5, 6)
    found = Answers(measured).score_document()["metrics"]["acc"]
    assert (
        "Results are missing at 1 of the 3 checkpoints that all models have"
        in found["decision_accuracy"]["why"]
    )
    assert "missing at 1 of its 3 early" in found["sq"]["models"]["pythia-160m"]["why"]
    assert "missing" not in found["sq"]["models"]["pythia-70m"]["why"]


def test_a_step_that_was_never_published_is_no_gap():
    files = of_two_models({"pythia-70m": (1000, 1500, 3000), "pythia-160m": (1000, 3000)})
    measured = read(files).measured["metals"]
    assert measured.complete_checkpoints == measured.checkpoints == 5


def test_other_questions_are_not_joined():
    files = harness_files.folder(steps=(1000, 2000, 3000))
    changed = f"EleutherAI__pythia-70m/samples_metals_{harness_files.stamp(2)}.jsonl"
    files[changed] = harness_files.samples(choices=("iron", "gold", "copper"))
    imported = read(files)
    assert the(imported).steps == (1000, 2000, 3000)
    assert len(imported.measured["metals"].curves[0].checkpoints) == 2
    assert any(
        "the questions of pythia-70m at step3000 are not those of the others" in p for p in imported.problems
    )
