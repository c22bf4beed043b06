"""Folders of results, whole, mixed up and broken: what they give, and the sentences for what they do not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from e2lm_core.analysis.score.published import published_figures
from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.commands.main import app, main
from e2lm_core.imported import documents as imported_documents
from e2lm_core.imported import file_reader, read_results
from e2lm_core.imported import scores as imported_scores
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import frames
from e2lm_core.imported.formats.published import read_curves
from e2lm_core.imported.records import ImportFilter
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
    imported = read_results.import_path(reference, Limits())
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
    imported = read_results.import_path(path, Limits())
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


def test_predictions_of_an_unknown_checkpoint_are_refused():
    row = {
        "doc_id": 0,
        "native_id": "q",
        "label": 0,
        "model_output": [{"sum_logits": -1.0, "num_chars": 3}] * 2,
    }
    files = harness_files.folder() | {
        "elsewhere/task-000-arc_easy-predictions.jsonl": json.dumps(row).encode()
    }
    imported = read(files)
    assert any("its metrics are not beside it, so its checkpoint is unknown" in p for p in imported.problems)
    assert len(the(imported).steps) == 2


def test_published_tokens_that_cannot_be_billions_are_not_taken():
    curves = {"iteration": [1, 2, 3], "gtokens": [1, 8_999_999, 9_000_000], "b": [0.1, 0.2, 0.3]}
    (curve,) = read({"published.json": json.dumps({"data": {"m": curves}}).encode()}).curves
    assert curve.tokens_seen == (10**9, 8_999_999 * 10**9, None)


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


# --- a path of one's own, read bit by bit ----------------------------------------------------------------

SMALL = Limits(max_file_bytes=500, max_unpacked_bytes=1_000, max_archive_files=2)


def laid(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_or_zip_of_ones_own_has_no_limit_of_size_and_gives_what_an_upload_gives(tmp_path, packed):
    """Every run is a part of its own; the questions of all checkpoints are held once."""
    files = harness_files.folder((1000, 2000, 3000))
    path = laid(files, tmp_path / "f")
    if packed:
        path = tmp_path / "f.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    told = []
    found = read_results.import_path(path, SMALL, report_progress=lambda *at: told.append(at))
    uploaded = read_results.import_uploads(files, Limits())
    with pytest.raises(StudioError, match="at most"):
        read_results.import_uploads(files, SMALL)
    total = path.stat().st_size if packed else sum(map(len, files.values()))
    assert [total] * len(told) == [of for _, of in told]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == total or packed
    assert found.curves == uploaded.curves
    assert found.problems == uploaded.problems
    [[curve], [other]] = (imported.measured["metals"].curves for imported in (found, uploaded))
    assert np.array_equal(curve.ll, other.ll)


TABLE = "model,task,metric,step,score\n" + "".join(
    f"m{m},t{t},{metric},{step},0.{step}{m}{t}\n"
    for m in range(3)
    for t in range(2)
    for metric in ("acc", "bpb")
    for step in range(1, 9)
)


def parquet_of(text: str) -> bytes:
    buffer = io.BytesIO()
    pd.read_csv(io.StringIO(text)).to_parquet(buffer, row_group_size=30)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.csv", TABLE.encode()),
        ("x.tsv", TABLE.replace(",", "\t").encode()),
        ("x.jsonl", pd.read_csv(io.StringIO(TABLE)).to_json(orient="records", lines=True).encode()),
        ("x.parquet", parquet_of(TABLE)),
    ],
)
def test_a_table_of_ones_own_has_no_limit_of_rows_and_is_read_some_at_a_time(
    tmp_path, monkeypatch, name, data
):
    whole = harness_files.import_files({name: data}, (), "x")
    monkeypatch.setattr(frames, "MAX_ROWS", 50)
    monkeypatch.setattr(frames, "ROWS_A_PIECE", 20)
    monkeypatch.setattr(file_reader, "LINES_A_BIT", 20)
    refused = harness_files.import_files(
        {name: data, "y.csv": b"model,task,metric,step,score\nm,t,acc,1,1\n"}, (), "x"
    )
    assert "at most 50 are read" in refused.problems[0]
    bits = list(of_its_own(data, name))
    assert len(bits) > 4
    found = read_results.join_parsed(
        read_results.ParsedFiles([e for b in bits for e in b.evaluations], [], bits[-1].files),
        CheckpointResolver(),
        "x",
    )
    assert found.curves == whole.curves


def of_its_own(data: bytes, name: str, **wanted) -> Iterator[read_results.ParsedFiles]:
    return read_results._bits([io.BytesIO(data)], [name], {}, (), ImportFilter(**wanted), True)


def test_what_is_wanted_is_kept_of_tables_and_of_runs(tmp_path):
    path = laid(harness_files.folder() | {"x.csv": TABLE.encode()}, tmp_path)
    found = read_results.import_path(
        path, Limits(), import_filter=ImportFilter(tasks=("t1", "metals"), metrics=("acc",))
    )
    assert {(c.model.name, c.task, c.metric) for c in found.curves} == {
        ("pythia-70m", "metals", "acc"),
        *((f"m{m}", "t1", "acc") for m in range(3)),
    }
    with pytest.raises(StudioError, match="none of what was asked for: check --model"):
        read_results.import_path(path, Limits(), import_filter=ImportFilter(models=("nobody",)))


def test_a_large_published_table_gives_its_main_metric_and_says_so(monkeypatch):
    """As DataDecide is published: metrics in a Python dict as text, dozens of them."""
    metrics = {
        "primary_metric": 0.5,
        "acc_raw": 0.4,
        **{f"m{k}": 0.1 for k in range(9)},
        "predicted_index_raw": 2,
    }
    rows = [
        {
            "params": "150M",
            "data": "c4",
            "task": "arc_easy",
            "step": step,
            "seed": "default",
            "tokens": 5.0 * step,
            "compute": 1.0,
            "chinchilla": "5xC",
            "metrics": str(metrics),
        }
        for step in range(60)
    ]
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    monkeypatch.setattr(frames, "MAX_ROWS", 50)
    bits = list(of_its_own(buffer.getvalue(), "decide.parquet"))
    [seen] = bits[-1].files
    assert (seen.kind, seen.results) == ("table", 60)
    assert {tuple(e.scores) for b in bits for e in b.evaluations} == {("primary_metric",)}
    assert bits[-1].problems == [
        "decide.parquet is large, so of its 11 metrics primary_metric alone is read: name others with --metric."
    ]
    named = list(of_its_own(buffer.getvalue(), "decide.parquet", metrics=("acc_*", "m1")))
    assert {tuple(e.scores) for b in named for e in b.evaluations} == {("acc_raw", "m1")}


def test_a_folders_warnings_are_folded():
    files = dict(harness_files.one(k, revision=f"step{k}000", acc="none") for k in range(30))
    files |= harness_files.folder((31_000, 32_000))
    name = next(n for n in files if "samples" in n)
    files[name] = files[name] + b"{broken\n" * 4
    imported = read(files)
    said = [p for p in imported.problems if "no number for acc" in p]
    assert len(said) == 1
    assert said[0].endswith("(and 29 more like this).")
    assert any(
        "lines 4, 5, 6 and 1 more of 7 are no whole JSON and are left out" in p for p in imported.problems
    )
