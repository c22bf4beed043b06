"""Added tables: the same figures from every format, one sentence for every bad file, and nothing of the table in memory."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.imported.shelf import added, columns, library, overview, reading
from e2lm_core.imported.shelf.indicators import has_errors
from tests.support import studios

MODELS, STEPS = ("made-1b", "made-2b", "pythia-70m"), (1_000, 2_000, 4_000, 8_000)


def rows() -> list[dict]:
    rng = np.random.default_rng(4)
    return [
        {
            "model": model,
            "step": step,
            "tokens": step * 2_097_152,
            "benchmark": benchmark,
            "metric": metric,
            "value": float(rng.random()),
            "stderr": float(rng.random() / 100),
            "num_fewshot": shots,
            "questions": 500,
        }
        for model in MODELS
        for step in STEPS
        for benchmark in ("physics", "chess: openings, §2")
        for shots in (0, 5)
        for metric in ("odd", "acc")
    ]


def frame(changed: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table) -> pd.DataFrame:
    return changed(pd.DataFrame(rows()))


def written(folder: Path, table: pd.DataFrame, kind: str) -> Path:
    path = folder / f"table.{kind}"
    match kind:
        case "csv" | "tsv":
            table.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
        case "parquet":
            table.to_parquet(path)
        case "json":
            path.write_text(table.to_json(orient="records", double_precision=15), encoding="utf-8")
        case "jsonl":
            path.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")), encoding="utf-8")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return studios.settings(tmp_path / "home")


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "jsonl"])
def test_figures_come_back_to_the_last_bit_in_any_order_of_rows(
    settings: Settings, tmp_path: Path, kind: str
) -> None:
    given = rows()
    random.Random(1).shuffle(given)
    source = added.add_table(settings, written(tmp_path, pd.DataFrame(given), kind), "mine")
    assert (source.key, source.file, source.rows) == ("mine", f"table.{kind}", len(given))
    shown = library.benchmarks("mine", settings)
    assert [(one.benchmark.name, one.benchmark.num_fewshot) for one in shown] == [
        (name, shots) for name in dict.fromkeys(row["benchmark"] for row in given) for shots in (0, 5)
    ]
    wanted = {
        (r["benchmark"], r["num_fewshot"], r["metric"], r["model"], r["step"]): (
            r["value"],
            r["stderr"],
            r["tokens"],
        )
        for r in given
    }
    found = {
        (one.benchmark.name, one.benchmark.num_fewshot, curve.metric, curve.model.name, step): point
        for one in shown
        for curve in library.open_curves(one)
        for step, *point in zip(curve.steps, curve.scores, curve.stderr, curve.tokens_seen, strict=True)
    }
    assert {key: tuple(point) for key, point in found.items()} == wanted
    assert all(one.benchmark.questions == 500 and one.main_metric == "acc" for one in shown)
    assert shown[0].label == f"{shown[0].benchmark.name} (0-shot)"


def test_a_json_list_is_read_as_well(settings: Settings, tmp_path: Path) -> None:
    added.add_table(settings, written(tmp_path, frame(), "json"), "mine")
    (one,) = library.find_benchmarks("physics", "mine", 0, settings=settings)
    curve = library.open_curves(one, "acc")[0]
    first = next(
        r for r in rows() if (r["benchmark"], r["num_fewshot"], r["metric"]) == ("physics", 0, "acc")
    )
    assert curve.scores[0] == pytest.approx(first["value"], abs=1e-14)


def test_other_names_of_columns_and_tokens_alone(settings: Settings, tmp_path: Path) -> None:
    table = (
        frame()
        .drop(columns=["step", "stderr", "num_fewshot", "questions"])
        .drop_duplicates(["model", "tokens", "benchmark", "metric"])
    )
    table = table.rename(columns={"benchmark": "Task", "value": "Score", "tokens": "tokens_seen"})
    added.add_table(settings, written(tmp_path, table, "csv"), "mine")
    one = library.benchmarks("mine", settings)[0]
    curve = library.open_curves(one, "acc")[0]
    assert curve.steps == curve.tokens_seen == tuple(step * 2_097_152 for step in STEPS)
    assert not has_errors(curve)
    assert (one.benchmark.num_fewshot, one.benchmark.questions) == (None, None)


def test_tokens_of_known_models_follow_from_their_steps(settings: Settings, tmp_path: Path) -> None:
    table = frame().drop(columns=["tokens"])
    added.add_table(settings, written(tmp_path, table, "csv"), "mine")
    (one,) = library.find_benchmarks("physics", "mine", 5, settings=settings)
    of = {curve.model.name: curve for curve in library.open_curves(one, "acc")}
    assert of["pythia-70m"].tokens_seen == tuple(step * 2_097_152 for step in STEPS)
    assert of["pythia-70m"].model.parameters == 70_426_624
    assert of["made-1b"].tokens_seen == (None,) * 4
    found = overview.overview(one)
    assert (found.above_chance, found.apart, found.slope.value) == (None, None, None)
    assert (found.order.accuracy.value, found.order.early) == (pytest.approx(2 / 3), None), "by steps"


def test_an_added_benchmark_has_the_figures_of_the_packages(settings: Settings, tmp_path: Path) -> None:
    """Pythia's PIQA, written as a table and added: every figure but those that need its series."""
    (own,) = library.find_benchmarks("piqa", "pythia", 0)
    table = pd.DataFrame(
        {
            "model": curve.model.name,
            "step": curve.steps,
            "benchmark": "piqa",
            "metric": curve.metric,
            "value": curve.scores,
            "stderr": curve.stderr,
            "num_fewshot": 0,
            "questions": 1_838,
        }
        for curve in library.open_curves(own)
    ).explode(["step", "value", "stderr"])
    added.add_table(settings, written(tmp_path, table, "csv"), "again")
    (other,) = library.find_benchmarks("piqa", "again", 0, settings=settings)
    here, there = overview.overview(own), overview.overview(other)
    assert there.sq.value == pytest.approx(here.sq.value)
    assert there.order.accuracy == here.order.accuracy
    assert there.snr.value == pytest.approx(here.snr.value)
    assert there.slope.value == pytest.approx(here.slope.value)
    assert there.above_chance == here.above_chance
    assert there.apart is None, "a table names no series"


def decided(**changed: object) -> pd.DataFrame:
    """Rows as DataDecide publishes them: two recipes, two seeds, all metrics in one text."""
    return pd.DataFrame(
        [
            {
                "params": "150M",
                "data": data,
                "task": "arc_easy",
                "step": step,
                "seed": seed,
                "tokens": step * 1_000,
                "metrics": str({"acc_raw": step / 9_000, "acc_per_char": 0.5, "bits": float("nan")}),
            }
            | changed
            for data in ("c4", "dolma")
            for step in (1_250, 2_500)
            for seed in ("default", "large aux 2")
        ]
    )


def test_datadecides_rows_are_taken_apart(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, decided(), "parquet")
    source = added.add_table(settings, path, "mine")
    assert (source.rows, source.left_out) == (8, 0)
    (one,) = library.benchmarks("mine", settings)
    assert list(one.benchmark.metrics) == ["acc_raw"]
    of = {curve.model.name: curve for curve in library.open_curves(one)}
    assert set(of) == {"c4-150M", "c4-150M (large aux 2)", "dolma-150M", "dolma-150M (large aux 2)"}
    assert of["c4-150M"].scores == (1_250 / 9_000, 2_500 / 9_000)
    assert of["c4-150M"].tokens_seen == (1_250_000, 2_500_000)
    asked = added.add_table(settings, path, "asked", metrics=("acc_*", "bits"))
    assert (asked.rows, asked.left_out) == (16, 8)
    (one,) = library.benchmarks("asked", settings)
    assert set(one.benchmark.metrics) == {"acc_raw", "acc_per_char"}
    with pytest.raises(TaskError, match="has no metric like f1"):
        added.add_table(settings, path, "none", metrics=("f1",))
    broken = decided()
    broken.loc[5, "metrics"] = "{'acc_raw': "
    with pytest.raises(TaskError, match="row 6 has no readable `metrics`"):
        added.add_table(settings, written(tmp_path, broken, "parquet"), "broken")


def test_the_main_score_of_signal_and_noises_rows(settings: Settings, tmp_path: Path) -> None:
    table = decided(model="m", primary_score=0.25).drop(columns=["params", "data", "seed"]).drop_duplicates()
    added.add_table(settings, written(tmp_path, table, "parquet"), "mine")
    (one,) = library.benchmarks("mine", settings)
    assert list(one.benchmark.metrics) == ["primary_score"]
    assert library.open_curves(one)[0].scores == (0.25, 0.25)


def test_a_key_is_that_of_one_benchmark(settings: Settings, tmp_path: Path) -> None:
    table = pd.concat(
        [
            frame().head(2).assign(benchmark="a", num_fewshot=5),
            frame().head(2).assign(benchmark="a:5", num_fewshot=""),
        ]
    )
    added.add_table(settings, written(tmp_path, table, "csv"), "mine")
    assert [one.key for one in library.benchmarks("mine", settings)] == ["mine:a:5", "mine:a%3A5"]


def test_some_metrics_alone(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, frame(), "csv")
    assert added.add_table(settings, path, "mine", metrics=("a*",)).rows == len(rows()) / 2
    assert all(set(one.benchmark.metrics) == {"acc"} for one in library.benchmarks("mine", settings))
    bad = written(tmp_path, frame(put("value", 5, "x")), "csv")
    with pytest.raises(TaskError, match="row 6 has 'x' as value"):
        added.add_table(settings, bad, "bad", metrics=("acc",))


def test_a_repeated_row_counts_once(settings: Settings, tmp_path: Path) -> None:
    table = frame(lambda one: pd.concat([one, one.iloc[:7]]))
    assert added.add_table(settings, written(tmp_path, table, "csv"), "mine").rows == len(rows())


def put(column: str, place: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table[column] = table[column].astype(object)
        table.loc[place, column] = value
        return table

    return change


def repeated(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[[3]].assign(value=0.5)])


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "no metric": (
        lambda t: t.drop(columns=["metric"]),
        "table.csv lacks the column metric: a table has a row a score",
    ),
    "no place": (lambda t: t.drop(columns=["tokens", "step"]), "lacks the column tokens or step"),
    "two": (lambda t: t.drop(columns=["model", "value"]), "lacks the columns model and value"),
    "text": (put("value", 4, "n/a?"), "table.csv, row 5 has 'n/a?' as value, which is no finite number"),
    "NaN": (
        put("value", 9, "NaN"),
        "row 10 has 'NaN' as value, which is no finite number; correct the row or leave",
    ),
    "nothing": (put("value", 0, ""), "row 1 has '' as value"),
    "infinite": (put("value", 0, "inf"), "row 1 has 'inf' as value"),
    "half a step": (put("step", 2, 10.5), "row 3 has 10.5 as step, which is no whole number from 0"),
    "before the start": (put("tokens", 2, -5), "row 3 has -5 tokens"),
    "error below 0": (put("stderr", 2, -0.1), "row 3 has -0.1 as stderr, which is below 0"),
    "error of text": (put("stderr", 2, "small"), "row 3 has 'small' as stderr"),
    "no model": (put("model", 6, " "), "row 7 has no model of 1 to 200 characters"),
    "long name": (put("benchmark", 6, "x" * 201), "row 7 has no benchmark of 1 to 200 characters"),
    "two values": (repeated, "table.csv has two values of made-1b on physics at 1,000"),
    "two sizes": (put("questions", 0, 400), "gives physics 400 and 500 questions"),
    "no rows": (lambda t: t.iloc[:0], "table.csv has no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_one_sentence_and_adds_nothing(settings: Settings, tmp_path: Path, case: str) -> None:
    change, says = BAD[case]
    with pytest.raises(StudioError) as raised:
        added.add_table(settings, written(tmp_path, frame(change), "csv"), "mine")
    sentence = str(raised.value)
    assert says in sentence
    assert sentence.count("\n") == 0
    assert added.added_names(settings) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("table.csv", b"", "table.csv is empty"),
        ("table.json", b" \n", "table.json is empty"),
        ("table.json", b'{"a": 1}', "table.json is no list of objects"),
        ("table.json", b"[1, 2]", "must be a list of objects"),
        ("table.json", b"[{", "table.json cannot be read as JSON"),
        ("table.jsonl", b'{"model": "m"}\n{"mod', "table.jsonl"),
        ("table.parquet", b"PAR1 no more", "table.parquet cannot be read as a PARQUET table"),
        ("table.xlsx", b"PK", "table.xlsx is no table that the shelf reads"),
        ("table.csv", b"model,benchmark,metric,value,step\nm,b,c,0.1,\n", "row 1 has '' as step"),
        (
            "table.csv",
            b"model,benchmark,metric,value,step,tokens\nm,b,c,0.1,,\n",
            "row 1 has neither tokens nor a step",
        ),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(
    settings: Settings, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StudioError, match=says):
        added.add_table(settings, tmp_path / name, "mine")


def test_a_table_that_is_too_large_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 10)
    with (
        written(tmp_path, frame(), "csv").open("rb") as file,
        pytest.raises(LimitError, match=r"table\.csv has more than 10 rows"),
    ):
        list(reading.read_rows([file], "table.csv"))
    monkeypatch.setattr(reading, "MAX_ROWS", 5_000_000)
    monkeypatch.setattr(reading, "MAX_JSON_BYTES", 100)
    with (
        written(tmp_path, frame(), "json").open("rb") as file,
        pytest.raises(LimitError, match=r"more than 0 MB of JSON: write it as JSONL, CSV or Parquet"),
    ):
        list(reading.read_rows([file], "table.json"))
    monkeypatch.setitem(reading.MAX_NAMES, "model", 2)
    with (
        written(tmp_path, frame(), "csv").open("rb") as file,
        pytest.raises(LimitError, match="more than 2 different models"),
    ):
        list(reading.read_rows([file], "table.csv"))


def test_a_row_far_down_is_named(settings: Settings, tmp_path: Path) -> None:
    """Rows are read 20,000 at a time, and counted from the table's first."""
    many = pd.DataFrame(
        {"model": "m", "benchmark": "b", "metric": "acc", "value": 0.5, "step": np.arange(45_000)}
    )
    many["value"] = many["value"].astype(object)
    many.loc[44_998, "value"] = "?"
    with pytest.raises(TaskError, match=r"row 44,999 has '\?' as value"):
        added.add_table(settings, written(tmp_path, many, "csv"), "mine")
    many.loc[44_998, "value"] = 0.7
    assert added.add_table(settings, written(tmp_path, many, "csv"), "mine").rows == 45_000


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pythia", "has a source named 'pythia'"),
        ("mine", "has a source named 'mine': choose another name"),
        ("Mine", "has a source named 'Mine'"),
        ("Pythia", "has a source named 'Pythia'"),
        ("../mine", "cannot name a table"),
        ("", "cannot name a table"),
    ],
)
def test_a_name_is_free_and_plain(settings: Settings, tmp_path: Path, name: str, says: str) -> None:
    path = written(tmp_path, frame(), "csv")
    added.add_table(settings, path, "mine")
    with pytest.raises(StudioError, match=says):
        added.add_table(settings, path, name)


def test_a_table_is_removed_and_added_again(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, frame(), "csv")
    added.add_table(settings, path, "mine")
    added.remove_added(settings, "mine")
    assert [one.key for one in library.sources(settings)] == ["e2lm", "pythia"]
    with pytest.raises(StudioError, match="No table named 'mine' was added: none was added"):
        added.remove_added(settings, "mine")
    with pytest.raises(StudioError, match="pythia comes with the studio"):
        added.remove_added(settings, "pythia")
    added.add_table(settings, path, "mine")
    assert [one.key for one in library.sources(settings)] == ["e2lm", "pythia", "mine"]


def test_a_damaged_table_says_so_and_leaves_the_others(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, frame(), "csv")
    for name in ("one", "two"):
        added.add_table(settings, path, name)
    kept = added.shelf_folder(settings) / "one.columns"
    data = kept.read_bytes()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    last = library.benchmarks("one", settings)[-1]
    with pytest.raises(StudioError, match="one of the shelf is damaged: remove it and add it again"):
        library.open_curves(last)
    for broken in (b"", data[:30], data[:18] + b"\xff" + data[19:]):
        kept.write_bytes(broken)
        files, problems = added.added_files(settings)
        assert [file.header.source.key for file in files] == ["two"]
        assert problems == ("one of the shelf is damaged: remove it and add it again from its table.",)
    kept.write_bytes(data.replace(columns.MAGIC + b"\x01", columns.MAGIC + b"\x02", 1))
    assert "has format 2, and this studio reads 1" in added.added_files(settings)[1][0]


def test_a_page_reads_one_block_alone(settings: Settings, tmp_path: Path) -> None:
    added.add_table(settings, written(tmp_path, frame(), "csv"), "mine")
    (file,), _ = added.added_files(settings)
    for one in file.header.benchmarks:
        for block in one.metrics.values():
            assert block.rows == len(MODELS) * len(STEPS)
            assert len(file.scores(block).values) == block.rows
    sizes = [block.length for one in file.header.benchmarks for block in one.metrics.values()]
    assert file.first + sum(sizes) == file.path.stat().st_size


def test_who_may_only_read_adds_and_removes_nothing(settings: Settings, tmp_path: Path) -> None:
    path = written(tmp_path, frame(), "csv")
    added.add_table(settings, path, "mine")
    reader = settings.for_person(None, readonly=True)
    with pytest.raises(TaskError, match="Guests can only view"):
        added.add_table(reader, path, "other")
    with pytest.raises(TaskError, match="Guests can only view"):
        added.remove_added(reader, "mine")
    assert added.added_names(settings) == ["mine"]
