"""Folders of results, whole, mixed up and broken: what they give, and the sentences for what they do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from e2lm_core.analysis.score.published import published_figures
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.commands.main import app, main
from e2lm_core.imported import documents as imported_documents
from e2lm_core.imported import opening
from e2lm_core.imported import scores as imported_scores
from e2lm_core.imported.formats.published import read_curves
from tests.conftest import needs
from tests.support import harness_files
from tests.support.harness_files import read, the

# --- the reference folder -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference() -> Path:
    return needs("reference") / "lm_eval_results"


def test_the_reference_folder_imports_whole_and_exact(reference):
    """Every revision of both models, compared with the files read plainly."""
    expected: dict[str, dict[int, float]] = {}
    for file in reference.rglob("results_*.json"):
        content = json.loads(file.read_text())
        arguments = dict(part.split("=") for part in content["config"]["model_args"].split(","))
        model, step = arguments["pretrained"].split("/")[1], int(arguments["revision"].removeprefix("step"))
        expected.setdefault(model, {})[step] = content["results"]["mmlu_hs_cloze"]["acc,none"]
    imported = opening.import_path(reference, Limits())
    assert {c.model.name for c in imported.curves} == set(expected) == {"pythia-410m", "pythia-1b"}
    for curve in imported.curves:
        own = expected[curve.model.name]
        assert curve.steps == tuple(sorted(own))
        assert len(curve.steps) == 143
        assert curve.scores == tuple(own[step] for step in curve.steps)
        assert curve.tokens_seen == tuple(step * 2_097_152 for step in curve.steps)
        assert (curve.num_fewshot, curve.questions, curve.lower_is_better) == (0, 380, False)
    assert (
        sum(
            "11 of its 154 known checkpoints (step0, step1, step2 and 8 more)" in p for p in imported.problems
        )
        == 2
    )
    assert any("means alone" in p for p in imported.problems)
    assert not any(seen.why for seen in imported.files)


def test_the_command_line_gives_the_same(reference):
    run = CliRunner().invoke(app, ["import-results", str(reference), "--json"])
    assert run.exit_code == 0
    document = json.loads(run.stdout)
    assert [len(curve["steps"]) for curve in document["curves"]] == [143, 143]
    assert len(document["recognised"]) == 286
    assert set(document["curves"][0]) >= {"model", "task", "metric", "steps", "tokens_seen", "scores"}


def test_published_curves_keep_their_scores_and_their_signal_quality():
    path = needs("reference") / "e2lm-curves-arch1.json"
    imported = opening.import_path(path, Limits())
    plain = read_curves(path)
    assert len(imported.curves) == sum(len(own) for own in plain.data.values()) == 72
    for curve in imported.curves:
        np.testing.assert_array_equal(curve.scores, plain.data[curve.model.name][curve.task])
        assert curve.steps == tuple(plain.iteration[curve.model.name].tolist())
    for figure in published_figures().signal_quality:
        [curve] = [c for c in imported.curves if (c.model.name, c.task) == (figure.model, figure.column)]
        assert imported_scores.quality(curve).points == 14
        assert imported_scores.quality(curve).sq == pytest.approx(figure.sq, abs=6e-5)


# --- samples ------------------------------------------------------------------------------------------


def test_samples_without_their_results_name_the_checkpoint_by_their_folder():
    files = {
        f"__data__my-model__step{step}/samples_metals_{harness_files.stamp(k)}.jsonl": harness_files.samples()
        for k, step in enumerate((10, 20))
    }
    imported = read(files)
    assert the(imported).model.name == "my-model"
    assert the(imported).steps == (10, 20)
    assert the(imported).num_fewshot is None
    assert "stands without its results_….json" in imported.problems[0]


def test_samples_of_an_unknown_checkpoint_are_refused():
    files = harness_files.folder() | {"elsewhere/samples_metals_x.jsonl": harness_files.samples()}
    imported = read(files)
    assert any("its results_….json of the same date is not beside it" in p for p in imported.problems)
    assert len(the(imported).steps) == 2


# --- mixed up and broken ------------------------------------------------------------------------------


def test_a_mixed_up_folder_says_what_everything_is():
    whole = harness_files.results()
    files = {
        **harness_files.folder(),
        "results_half.json": whole[: len(whole) // 2],
        "results_nan.json": harness_files.results(revision="step5000", acc=float("nan")),
        "results_final.json": harness_files.results(revision=None),
        "README.md": b"# Results",
        "notes.json": b'{"a": 1}',
        "broken.json": b'{"a" 1}',
        "latin.json": "{'é'}".encode("latin-1"),
        "empty.json": b"",
        ".DS_Store": b"x",
        "deep.json": b"[" * 100_000,
        "table.csv": b"a,b\n1,2\n",
    }
    imported = read(files)
    assert the(imported).steps == (1000, 2000)
    why = {seen.file: seen.why for seen in imported.files if seen.why}
    assert "half-written" in why["results_half.json"]
    assert "tell no checkpoint" in why["results_final.json"]
    assert "only .json" in why["README.md"]
    assert "neither results of a tool" in why["notes.json"]
    assert "no JSON (line 1" in why["broken.json"]
    assert "not UTF-8" in why["latin.json"]
    assert "empty" in why["empty.json"]
    assert "hidden" in why[".DS_Store"]
    assert "nests too deeply" in why["deep.json"] or "half-written" in why["deep.json"]
    assert "lacks the columns" in why["table.csv"]
    assert any("no number for acc on metals (results_nan.json)" in p for p in imported.problems)
    document = imported_documents.document(imported)
    assert {row["file"] for row in document["unrecognised"]} == set(why)
    json.dumps(document, allow_nan=False)


def test_half_written_samples_leave_the_means():
    files = harness_files.folder(steps=(1000,))
    name = next(n for n in files if "samples" in n)
    files[name] = files[name][:-40]
    imported = read(files)
    assert the(imported).scores == (1 / 3,)
    assert imported.measured == {}
    assert any("line 3 of 3 is no whole JSON" in p for p in imported.problems)
    assert any("2 of 3 questions" in p for p in imported.problems)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_ends_at_a_newline_alone(end):
    """What Python also takes for one (U+2028, U+0085 …) stands in questions, where JSON leaves it as it is."""
    rows = [json.loads(line) for line in harness_files.samples().decode().split("\n") if line]
    for row in rows:
        row["doc"]["question"] = "one\u2028two\u2029three\x85four\x7ffive"
    whole = "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()
    files = harness_files.folder(steps=(1000,))
    name = next(n for n in files if "samples" in n)
    imported = read({**files, name: whole})
    assert [m.question_ids for m in imported.measured.values()] == [("q0", "q1", "q2")]
    assert imported.problems == read(files).problems


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no files"),
        ({"results_x.json": b'{"results": {"a"'}, "half-written"),
        ({"results_x.json": harness_files.results(revision=None)}, "names no checkpoint"),
        ({"a.txt": b"x"}, "a.txt is left out"),
        ({"x.csv": b"model,task,metric,step,score\n"}, "holds no rows"),
    ],
)
def test_nothing_usable_is_one_sentence(files, said):
    with pytest.raises(StudioError, match=said):
        read(files)


def test_bad_paths_exit_2_with_one_sentence(tmp_path, capsys):
    (tmp_path / "results_x.json").write_bytes(b'{"results": ')
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(SystemExit) as ended:
            main(["import-results", str(path), "--json"])
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, "")
        assert len(said.err.strip().splitlines()) == 1


# --- out and in again ---------------------------------------------------------------------------------


JUNK = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1e308,
        float("nan"),
        "",
        "x",
        "1",
        [],
        {},
        [1],
        {"a": 1},
        10**30,
        "\ud800",
        "step1000",
    ]
)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_file_is_a_sentence_at_worst(data):
    """One value of a good file is replaced by anything that JSON can hold."""

    def places(content, at=()):
        yield at
        inner = (
            content.items()
            if isinstance(content, dict)
            else enumerate(content)
            if isinstance(content, list)
            else ()
        )
        for key, value in inner:
            yield from places(value, (*at, key))

    date = "2026-01-01T00-00-00"
    whole = {
        f"a/results_{date}.json": json.loads(harness_files.results()),
        "table.json": [
            {"model": "m", "task": "t", "metric": "acc", "step": 1, "tokens_seen": 5, "score": 0.5}
        ],
        "decide.json": [
            {"params": "1B", "data": "c4", "task": "t", "step": 1, "seed": "default", "metrics": "{'a': 1}"}
        ],
        "published.json": {"data": {"m": {"iteration": [1, 2], "gtokens": [1, 2], "b": [0.1, 0.2]}}},
    }
    name = data.draw(st.sampled_from(sorted(whole)))
    at = data.draw(st.sampled_from([p for p in places(whole[name]) if p]))
    inner = whole[name]
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = data.draw(JUNK)
    files = {file: json.dumps(content).encode() for file, content in whole.items()}
    files[f"a/samples_metals_{date}.jsonl"] = harness_files.samples()
    imported = read(files)
    json.dumps(imported_documents.document(imported), allow_nan=False)
    imported_documents.csv(imported.curves)


# --- folders of more than is read at once ---------------------------------------------------------------


def test_a_folder_that_is_too_large_at_once_is_read_in_parts_with_the_same_result(tmp_path):
    """Every run is a part of its own; the questions of all checkpoints are held once."""
    files = harness_files.folder((1000, 2000, 3000))
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    told = []
    small = Limits(max_archive_files=2)
    in_parts = opening.import_path(tmp_path, small, (), lambda *at: told.append(at))
    at_once = opening.import_path(tmp_path, Limits())
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert in_parts.curves == at_once.curves
    assert in_parts.problems == at_once.problems
    [[curve], [other]] = (imported.measured["metals"].curves for imported in (in_parts, at_once))
    assert np.array_equal(curve.ll, other.ll)


def test_one_run_that_is_too_large_by_itself_is_named(tmp_path):
    for name, data in harness_files.folder((1000,)).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(StudioError, match="and its run hold"):
        opening.import_path(tmp_path, Limits(max_archive_files=1))
