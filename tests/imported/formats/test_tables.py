"""Tables of scores in the layouts that others publish."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from e2lm_core.base.errors import LimitError, TaskError
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import frames
from e2lm_core.imported.formats import tables as result_tables
from e2lm_core.imported.records import ImportFilter
from tests.support import harness_files

LONG = b"model,task,metric,step,tokens_seen,score\nm,t,acc,100,1000,0.5\nm,t,acc,200,2000,0.6\nm,t,bpb,200,2000,1.5\n"
METRICS = {"acc_raw": 0.25, "acc_per_char": 0.5, "primary_metric": 0.5, "predicted_index_raw": 2}


def read(data: bytes, name: str = "x.csv"):
    return result_tables.evaluations(frames.read_frame(data, name), name, CheckpointResolver())


def decide(metrics: object = METRICS, seed: str = "default", step: float = 1250.0) -> dict[str, object]:
    return {
        "params": "150M",
        "data": "dolma1_7",
        "task": "arc_easy",
        "step": step,
        "seed": seed,
        "chinchilla": "5xC",
        "tokens": 983_040_000,
        "compute": 1e18,
        "metrics": metrics,
    }


def test_an_upload_may_have_as_many_rows_as_are_read():
    for rows, large in ((200_000, False), (200_001, True)):
        assert frames.is_large(io.BytesIO(), rows) is large


def test_a_plain_table():
    found, problems = read(LONG)
    assert problems == []
    assert [(e.model.name, e.task, e.step, e.tokens_seen, dict(e.scores)) for e in found] == [
        ("m", "t", 100, 1_000, {"acc": 0.5}),
        ("m", "t", 200, 2_000, {"acc": 0.6, "bpb": 1.5}),
    ]
    assert found[1].lower == {"bpb"}


def test_tokens_follow_from_a_familys_name():
    [one], _ = read(b"model,task,metric,step,score\nEleutherAI/pythia-70m,t,acc,1000,0.5\n")
    assert (one.model.name, one.tokens_seen) == ("pythia-70m", 2_097_152_000)


def test_a_table_with_a_column_a_metric_and_other_names():
    [one], problems = read(
        b"model_name\tbenchmark\titeration\ttokens\tacc\tmcc\nm\tt\t5\t50\t0.5\t0.1\n", "x.tsv"
    )
    assert (one.step, one.tokens_seen, dict(one.scores)) == (5, 50, {"acc": 0.5, "mcc": 0.1})
    assert problems == []


def test_what_is_no_number_and_what_repeats_is_named():
    rows = LONG + b"m,t,acc,300,3000,NaN\nm,t,acc,400,4000,\nm,t,acc,100,1000,0.7\nm,t,acc,x,1,0.1\n"
    found, problems = read(rows)
    assert dict(next(e for e in found if e.step == 100).scores) == {"acc": 0.7}
    assert "1 of 7 rows have no whole step" in problems[0]
    assert "2 of 6 rows have no number as score, the first for m on t at step 300" in problems[1]
    assert "1 rows repeat a point, the first m on t at step 100" in problems[2]


@pytest.mark.parametrize(
    "given",
    [json.dumps(METRICS), str(METRICS), str({**METRICS, "acc_uncond": None, "x": float("nan")}), METRICS],
)
def test_datadecide_has_its_metrics_in_a_column(given):
    frame = pd.DataFrame([decide(given)])
    [one], problems = result_tables.evaluations(frame, "x", CheckpointResolver())
    assert (one.model.name, one.model.size, one.step, one.tokens_seen) == (
        "dolma1_7-150M",
        "150M",
        1_250,
        983_040_000,
    )
    assert dict(one.scores) == {"acc_raw": 0.25, "acc_per_char": 0.5, "primary_metric": 0.5}
    assert bool(problems) == ("nan" in str(given))


def test_another_seed_is_a_replicate():
    frame = pd.DataFrame([decide(), decide(seed="small aux 2")])
    found, _ = result_tables.evaluations(frame, "x", CheckpointResolver())
    assert [e.model.name for e in found] == ["dolma1_7-150M", "dolma1_7-150M (small aux 2)"]
    assert [e.model.counts_in_scores for e in found] == [True, False]
    assert found[1].model.seed_of == "dolma1_7-150M"


def test_parquet_is_read_as_csv_is():
    file = io.BytesIO()
    pd.DataFrame([decide(json.dumps(METRICS)), decide(str(METRICS), step=2500.0)]).to_parquet(file)
    found, problems = read(file.getvalue(), "x.parquet")
    assert [e.step for e in found] == [1_250, 2_500]
    assert problems == []


def test_text_that_a_dictionary_hides_is_counted(monkeypatch):
    monkeypatch.setattr(frames, "MAX_TABLE_BYTES", 100_000)
    file = io.BytesIO()
    pd.DataFrame([decide("x" * 1_000)] * 1_000).to_parquet(file)
    assert len(file.getvalue()) < 20_000
    with pytest.raises(LimitError, match="of values"):
        read(file.getvalue(), "x.parquet")


@pytest.mark.parametrize("given", ["not a dict", "[1]", "(" * 5_000, "x" * 30_000, 7])
def test_broken_metrics_are_left_out(given):
    frame = pd.DataFrame([decide(), decide(given, step=1.0)])
    found, problems = result_tables.evaluations(frame.astype({"metrics": object}), "x", CheckpointResolver())
    assert len(found) == 1
    assert "1 of 2 rows have no readable `metrics`" in problems[0]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"a,b\n1,2\n", "x.csv", "lacks the columns model, task, step"),
        (b"model,task,step\nm,t,1\n", "x.csv", "no column of scores"),
        (b"\x00\x01 no parquet", "x.parquet", "cannot be read as a PARQUET table"),
    ],
)
def test_other_tables_say_what_they_lack(data, name, said):
    with pytest.raises(TaskError, match=said):
        read(data, name)


def test_too_many_rows(monkeypatch):
    monkeypatch.setattr(frames, "MAX_ROWS", 2)
    with pytest.raises(LimitError, match="3 rows; at most 2"):
        read(LONG)


def test_signal_and_noises_table_as_it_is_published():
    """Its columns, from the code that writes them: `primary_score` beside `metrics`, which is nested or empty there."""
    rows = [
        {
            "task": "arc_easy",
            "model": f"DCLM-baseline-{size}-5xC",
            "step": step,
            "mix": "DCLM-baseline",
            "size": size,
            "token_ratio": "5xC",
            "primary_score": score,
            "logits_per_byte_corr": 1.5,
            "num_instances": 1_000,
            "metrics": None if step else {"acc_raw": score},
            "model_config": {"model_path": "x"},
        }
        for size, step, score in (("150M", 1_250.0, 0.25), ("150M", 2_500.0, 0.5), ("1B", None, 0.75))
    ]
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    found, problems = read(buffer.getvalue(), "core-00000-of-00001.parquet")
    assert [(e.model.name, e.step, dict(e.scores)) for e in found] == [
        ("DCLM-baseline-150M-5xC", 1_250, {"primary_score": 0.25, "logits_per_byte_corr": 1.5}),
        ("DCLM-baseline-150M-5xC", 2_500, {"primary_score": 0.5, "logits_per_byte_corr": 1.5}),
    ]
    assert problems == [
        "core-00000-of-00001.parquet: 1 of 3 rows have no whole step from 0; they are left out."
    ]


# --- standard errors, percent, seeds, other spreadsheets ---------------------------------------------------------


def test_a_standard_error_is_no_metric():
    """In each of the layouts: of its own column, beside the score, as a row, and within `metrics`."""
    wide = b'model,task,step,acc,acc_stderr,"f1,none","f1_stderr,none"\nm,t,1,0.5,0.1,0.2,0.02\n'
    beside = b"model,task,metric,step,score,stderr\nm,t,acc,1,0.5,0.1\nm,t,f1,1,0.2,\n"
    rows = b"model,task,metric,step,score\nm,t,acc_stderr,1,0.1\nm,t,acc,1,0.5\n"
    for data in (wide, beside, rows):
        [one] = read(data)[0]
        assert (one.scores["acc"], one.stderr["acc"]) == (0.5, 0.1)
        assert not any("stderr" in metric for metric in one.scores), data
    frame = pd.DataFrame([decide({"acc_raw": 0.25, "acc_raw_stderr": 0.01})])
    [one] = result_tables.evaluations(frame, "x", CheckpointResolver())[0]
    assert (dict(one.scores), dict(one.stderr)) == ({"acc_raw": 0.25}, {"acc_raw": 0.01})
    assert read(b"model,task,step,acc_stderr\nm,t,1,0.1\n")[0] == []


def test_a_metric_that_is_wanted_keeps_its_standard_error():
    data = b"model,task,step,acc,acc_stderr,f1\nm,t,1,0.5,0.1,0.2\n"
    table = result_tables.Table("x.csv", CheckpointResolver(), ImportFilter(metrics=("acc",)))
    [one] = table.take(frames.read_frame(data, "x.csv"))
    assert (dict(one.scores), dict(one.stderr)) == ({"acc": 0.5}, {"acc": 0.1})


def test_seeds_of_a_plain_table_are_curves_of_their_own():
    rows = [("default", 1, 0.1), ("14", 1, 0.2), ("14", 2, 0.3), ("default", 3, 0.4)]
    for order in (rows, rows[::-1]):
        data = "model,seed,task,metric,step,score\n" + "".join(f"m,{s},t,acc,{k},{v}\n" for s, k, v in order)
        imported = harness_files.read({"x.csv": data.encode()})
        curves = {
            curve.model.name: (curve.model.seed_of, curve.steps, curve.scores) for curve in imported.curves
        }
        assert curves == {"m": (None, (1, 3), (0.1, 0.4)), "m (seed 14)": ("m", (1, 2), (0.2, 0.3))}
        assert any("m (seed 14) is a model of another seed" in p for p in imported.problems)


def test_one_seed_of_each_model_leaves_the_names_as_they_are():
    data = b"model,seed,task,metric,step,score\na,1,t,acc,1,0.1\nb,2,t,acc,1,0.2\n"
    assert [curve.model.name for curve in harness_files.read({"x.csv": data}).curves] == ["a", "b"]


@pytest.mark.parametrize("own", [False, True])
def test_a_table_of_a_european_spreadsheet_is_read(own):
    """Semicolons between the cells, a comma before decimals, points between thousands; a model's name is no number."""
    data = (
        b"model;task;metric;step;tokens_seen;score\nm,1;t;acc;1.000;2.000.000,0;0,41\nm,1;t;acc;2.000;4e6;1\n"
    )
    if own:
        frame = pd.concat(frames.iter_table(io.BytesIO(data), "x.csv"))
        found, problems = result_tables.evaluations(frame, "x.csv", CheckpointResolver())
    else:
        found, problems = read(data)
    assert problems == []
    assert [(e.model.name, e.step, e.tokens_seen, e.scores["acc"]) for e in found] == [
        ("m,1", 1_000, 2_000_000, 0.41),
        ("m,1", 2_000, 4_000_000, 1.0),
    ]


def test_semicolons_with_decimal_points_stay_as_they_are():
    [one] = read(b"model;task;metric;step;score\nm;t;acc;1000;0.410\n")[0]
    assert (one.step, one.scores["acc"]) == (1_000, 0.41)
