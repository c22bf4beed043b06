"""Small files that would be large, or long: what is counted before it exists. The review's own are among them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Limits
from e2lm_core.imported import read_results
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.datafiles import LOADER
from e2lm_core.sets.formats.reading import read_confined as read_questions
from tests.hostile.ground import Ground

LIMITS = Limits()
ROWS = 200_000
DATE = "2026-01-01T00-00-00"
RUN = b'{"results": {"t": {"acc": 0.5}}, "config": {"model_args": "pretrained=m,revision=step10"}}'


def table(columns: Mapping[str, object], **how: object) -> bytes:
    file = io.BytesIO()
    parquet.write_table(arrow.table(dict(columns)), file, **how)
    return file.getvalue()


def repeated(value: object, kind: arrow.DataType) -> arrow.ChunkedArray:
    """One value in every row, which takes a dictionary of one."""
    codes = arrow.array(np.zeros(ROWS, dtype=np.int32))
    return arrow.chunked_array([arrow.DictionaryArray.from_arrays(codes, arrow.array([value], kind))])


def scores(rows: int = ROWS, **more: object) -> dict[str, object]:
    plain = {"model": "m", "task": "t", "metric": "acc"}
    columns: dict[str, object] = {
        name: arrow.DictionaryArray.from_arrays(
            arrow.array(np.zeros(rows, dtype=np.int32)), arrow.array([value])
        )
        for name, value in plain.items()
    }
    return {**columns, "step": np.zeros(rows, dtype=np.int64), "score": np.ones(rows), **more}


def sample(number: int, choices: int) -> str:
    pairs = [["q", f" c{k}"] for k in range(choices)]
    return json.dumps(
        {"doc_id": number, "target": 0, "arguments": pairs, "filtered_resps": [[-1.0, False]] * choices}
    )


def zipped(files: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def wide(rows: int) -> bytes:
    line = b"," * 990 + b"\n"
    return b"model,task,step" + b"," * 988 + b"\n" + line * rows


# name: (the upload, what is said, or None where it is harmless)
RESULTS: dict[str, tuple[Callable[[], dict[str, bytes]], str | None]] = {
    "Parquet: 13 kB of text in 200,000 rows": (
        lambda: {"x.parquet": table(scores(metric=repeated("x" * 13_000, arrow.string())))},
        "more than 64 MB",
    ),
    "Parquet: 22 kB of large text in 200,000 rows": (
        lambda: {"x.parquet": table(scores(metric=repeated("x" * 22_000, arrow.large_string())))},
        "more than 64 MB",
    ),
    "Parquet: 22 kB of bytes in 200,000 rows, of a column that is needed": (
        lambda: {"x.parquet": table(scores(metric=repeated(b"x" * 22_000, arrow.binary())))},
        "the column 'metric' is of the type dictionary<values=binary",
    ),
    "Parquet: 22 kB of bytes in 200,000 rows, of one that is not": (
        lambda: {"x.parquet": table(scores(more=repeated(b"x" * 22_000, arrow.binary())))},
        None,
    ),
    "Parquet: lists of 500 numbers": (
        lambda: {"x.parquet": table(scores(9_000, score=arrow.array([[1.0] * 500] * 9_000)))},
        "the column 'score' is of the type list",
    ),
    "Parquet: metrics as objects": (
        lambda: {"x.parquet": table(scores(9, metrics=arrow.array([{"a": 1.0}] * 9)))},
        "the column 'metrics' is of the type struct",
    ),
    "Parquet: 200 MB of the letter a": (
        lambda: {
            "x.parquet": table(
                scores(10_000, note=["a" * 20_000] * 10_000), use_dictionary=False, compression="zstd"
            )
        },
        "more than 50 times smaller",
    ),
    "Parquet: 2,000 columns": (
        lambda: {"x.parquet": table({f"c{n}": [1.0] for n in range(2_000)})},
        "more than 1,000 columns",
    ),
    "Parquet: 900 columns of 9,000 rows": (
        lambda: {"x.parquet": table({f"c{n}": repeated(1.0, arrow.float64())[:9_000] for n in range(900)})},
        "9,000 rows of 900 columns",
    ),
    "Parquet: a million rows": (lambda: {"x.parquet": table({"step": np.zeros(10**6)})}, "1,000,000 rows"),
    "Parquet: cut short": (lambda: {"x.parquet": table(scores(9))[:-40]}, "cannot be read"),
    "Parquet: a footer that lies": (
        lambda: {"x.parquet": table(scores(9))[:-8] + b"\xff\xff\xff\x7fPAR1"},
        "describes more columns",
    ),
    "Parquet: a page that was altered": (
        lambda: {"x.parquet": b"PAR1" + b"\xff" * 400 + table(scores(9))[404:]},
        "cannot be read",
    ),
    "JSON: 6,000 rows, each with a key of its own": (
        lambda: {"x.json": json.dumps([{f"key{n}": 1} for n in range(6_000)]).encode()},
        "more than 1,000 columns",
    ),
    "JSON: 14,000 rows, each with a key of its own": (
        lambda: {"x.json": json.dumps([{f"key{n}": 1} for n in range(14_000)]).encode()},
        "more than 1,000 columns",
    ),
    "JSON: 900 keys of 9,000 rows": (
        lambda: {"x.json": json.dumps([{f"k{n}": 1 for n in range(900)}, *[{"k": 1}] * 9_000]).encode()},
        "9,001 rows of 901 columns",
    ),
    "JSONL: 14,000 keys": (
        lambda: {"x.jsonl": "\n".join(json.dumps({f"key{n}": 1}) for n in range(14_000)).encode()},
        "more than 1,000 columns",
    ),
    "JSON: 7 million empty lists": (
        lambda: {"x.json": b"[" + b"[]," * 7_000_000 + b"1]"},
        "4,000,000 values",
    ),
    "JSON: 100,000 lists in lists": (lambda: {"x.json": b"[" * 100_000}, "nests too deeply"),
    "JSON: 100,000 objects in objects": (lambda: {"x.json": b'{"a":' * 100_000}, "nests too deeply"),
    "JSONL: 20 million empty lines": (
        lambda: {"x.jsonl": b"{}\n" + b"\n" * 20_000_000},
        "more than 400,000 lines",
    ),
    "CSV: 20 MB of commas": (lambda: {"x.csv": b"," * 20_000_000}, "more than 1,000 columns"),
    "CSV: 20 MB of commas in the second line": (
        lambda: {"x.csv": b"model\n" + b"," * 20_000_000},
        "more cells",
    ),
    "CSV: 20 MB of empty lines": (lambda: {"x.csv": b"model,task,step\n" + b"\n" * 20_000_000}, "more cells"),
    "CSV: 990 columns of 8,000 rows": (lambda: {"x.csv": wide(8_000)}, "cells"),
    "CSV: one quote that never ends": (
        lambda: {"x.csv": b'model,task,metric,step,score\nm,t,"' + b"x,\n" * 1_000_000},
        "cannot be read",
    ),
    "TSV: a hundred thousand tabs": (lambda: {"x.tsv": b"\t" * 100_000 + b"x"}, "more than 1,000 columns"),
    "samples: one question of 5,000 choices among 8,000": (
        lambda: {
            f"m/results_{DATE}.json": RUN,
            f"m/samples_t_{DATE}.jsonl": "\n".join(
                sample(n, 2 if n else 5_000) for n in range(8_000)
            ).encode(),
        },
        None,
    ),
    "metrics: 19,000 brackets in a cell": (
        lambda: {
            "x.json": json.dumps(
                [{"params": "1", "data": "c", "task": "t", "step": 1, "metrics": "(" * 19_000}]
            ).encode()
        },
        "no readable `metrics`",
    ),
    "metrics: 990 kinds in 2,100 rows": (
        lambda: {
            "x.json": json.dumps(
                [
                    {
                        "params": "1",
                        "data": "c",
                        "task": "t",
                        "step": n,
                        "metrics": {f"m{k}": 0.5 for k in range(990)},
                    }
                    for n in range(2_100)
                ]
            ).encode()
        },
        "more than 1,500,000 scores",
    ),
    "zip: 60 MB of zeros": (lambda: {"x.zip": zipped({"x.csv": b"0" * 60_000_000})}, "200 times smaller"),
    "zip: 3,000 files": (
        lambda: {"x.zip": zipped({f"{n}.json": b"{}" for n in range(3_000)})},
        "3,000 files",
    ),
    "zip: a zip in a zip in a zip": (
        lambda: {"x.zip": zipped({"x.zip": zipped({"x.zip": zipped({"x.json": RUN})})})},
        "only .json",
    ),
}
FAST = (
    "Parquet: 22 kB of large",
    "JSON: 6,000",
    "JSON: 14,000",
    "JSON: 100,000",
    "Parquet: metrics",
    "TSV",
)


@pytest.mark.parametrize(
    "name", [n if n.startswith(FAST) else pytest.param(n, marks=pytest.mark.slow) for n in RESULTS]
)
def test_results(ground: Ground, name: str) -> None:
    make, says = RESULTS[name]
    files = make()
    if says is None:
        ground.tried(lambda: read_results.import_uploads(files, LIMITS))
    else:
        assert says in ground.refused(lambda: read_results.import_uploads(files, LIMITS))


QUESTION = b"question,A,B,answer\n"
QUESTIONS: dict[str, tuple[str, Callable[[], bytes], str | None]] = {
    "30,000 columns of 15,000 rows": ("x.csv", lambda: b"c," * 30_000 + b"\n" + b"x\n" * 15_000, "columns"),
    "190 columns of 19,000 rows": (
        "x.csv",
        lambda: b"question,A,B,answer" + b",c" * 186 + b"\n" + b"x\n" * 19_000,
        "more than 1,000,000 cells",
    ),
    "20 MB of commas": ("x.csv", lambda: b"," * 20_000_000, "columns"),
    "20 MB of commas in the second line": (
        "x.csv",
        lambda: QUESTION + b"," * 20_000_000,
        "1,000,000 cells",
    ),
    "20 MB of empty lines": ("x.csv", lambda: QUESTION + b"\n" * 20_000_000, "cells"),
    "a cell of 1 MB": ("x.csv", lambda: QUESTION + b"x" * 1_000_000 + b",a,b,0\n", None),
    "a quote that never ends": ("x.csv", lambda: QUESTION + b'"' + b"x,\n" * 400_000, "not valid CSV"),
    "7 million lists": ("x.json", lambda: b"[" + b"[]," * 7_000_000 + b"1]", "4,000,000 values"),
    "100,000 lists in lists": ("x.json", lambda: b"[" * 100_000, "nests too deeply"),
    "14,000 keys": (
        "x.json",
        lambda: json.dumps([{f"k{n}": 1} for n in range(14_000)]).encode(),
        "200 columns",
    ),
    "14,000 keys, a line each": (
        "x.jsonl",
        lambda: "\n".join(json.dumps({f"k{n}": 1}) for n in range(14_000)).encode(),
        "200 columns",
    ),
    "20 million empty lines": ("x.jsonl", lambda: b"\n" * 20_000_000, "rows"),
    "400 digits as the answer": (
        "x.jsonl",
        lambda: b'{"question": "q", "choices": ["a", "b"], "answer": ' + b"9" * 400 + b"}",
        None,
    ),
    "choices nested 900 deep": (
        "x.jsonl",
        lambda: b'{"question": "q", "choices": ' + b"[" * 900 + b"]" * 900 + b', "answer": 0}',
        None,
    ),
    "half a character in an unknown column": (
        "x.jsonl",
        lambda: b'{"question": "q", "choices": ["a", "b"], "answer": 0, "more": "\\ud800"}',
        None,
    ),
    "a superscript as the answer": ("x.csv", lambda: QUESTION + "q,a,b,²\n".encode(), None),
    "two minuses as the answer": ("x.csv", lambda: QUESTION + b"q,a,b,--1\n", None),
    "nil bytes": ("x.csv", lambda: QUESTION + b"\0" * 100_000, None),
    "UTF-16": ("x.csv", lambda: (QUESTION + b"q,a,b,A\n").decode().encode("utf-16"), None),
    "a name of control characters": ("\x1b[31m.csv", lambda: b"x", "lacks the columns"),
    "a name of 5,000 characters": ("x" * 5_000 + ".csv", lambda: b"x", "lacks the columns|no file"),
    "200 names of columns that are long": (
        "x.csv",
        lambda: b",".join(b"c" * 900 + b"%d" % n for n in range(200)),
        "lacks",
    ),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if "20 " in n or "7 million" in n else n for n in QUESTIONS],
)
def test_tables_of_questions(ground: Ground, name: str) -> None:
    filename, make, says = QUESTIONS[name]
    data = make()
    previews: list = []
    said = ground.tried(lambda: previews.append(read_questions(data, filename, LIMITS)))
    for preview in previews:
        assert all(len(problem.sentence) <= 300 for problem in preview.problems)
    if says is not None and not previews:
        assert said is not None
        assert any(part in said or part == ".*" for part in says.split("|")), said


YAML = (
    "task: t\ncustom_dataset: !function loader.load\noutput_type: multiple_choice\ntest_split: test\n"
    "fewshot_split: dev\ndoc_to_text: question\ndoc_to_choice: choices\ndoc_to_target: answer\n"
)
ROW = b'{"question": "q", "choices": ["a", "b"], "answer": 0}\n'
SET = {"t/t.yaml": YAML.encode(), "t/test.jsonl": ROW, "t/dev.jsonl": b"", "t/loader.py": LOADER}
JSON_SET = YAML.replace("custom_dataset: !function loader.load", "dataset_path: json")
BUNDLES: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "25 files that include the next twice": (
        lambda: (
            SET
            | {"t/t.yaml": YAML.encode() + b"include: [_0.yaml, _0.yaml]\n"}
            | {f"t/_{n}.yaml": b"include: [_%d.yaml, _%d.yaml]\n" % (n + 1, n + 1) for n in range(25)}
            | {"t/_25.yaml": b"tag: x\n"}
        ),
        "more than 20 files are included",
    ),
    "one file included 2,000 times": (
        lambda: (
            SET
            | {
                "t/t.yaml": YAML.encode() + b"include: [" + b"_a.yaml, " * 2_000 + b"]\n",
                "t/_a.yaml": b"tag: x\n",
            }
        ),
        "more than 20 files are included",
    ),
    "two files that include each other": (
        lambda: SET | {"t/t.yaml": YAML.encode() + b"include: _a.yaml\n", "t/_a.yaml": b"include: t.yaml\n"},
        "includes itself",
    ),
    "one data file 200 times": (
        lambda: (
            SET
            | {
                "t/t.yaml": JSON_SET.encode()
                + b"dataset_kwargs: {data_files: {dev: dev.jsonl, test: ["
                + b"test.jsonl, " * 200
                + b"]}}\n",
                "t/test.jsonl": ROW * 20_000,
            }
        ),
        "is named 200 times",
    ),
    "a YAML of 250 kB of lists": (
        lambda: SET | {"t/t.yaml": b"a: [" + b"[]," * 80_000 + b"]"},
        "20,000 lines",
    ),
    "a YAML of 250 kB of dashes": (lambda: SET | {"t/t.yaml": b"- " * 120_000}, "nested too deeply"),
    "a YAML of a megabyte": (lambda: SET | {"t/t.yaml": b"#" * 2**20}, "may have at most 262,144"),
    "a billion laughs": (
        lambda: SET | {"t/t.yaml": b"a: &a [x]\n" + b"".join(b"b%d: [*a, *a]\n" % n for n in range(99))},
        "it uses an alias",
    ),
    "7 million values in a row": (
        lambda: SET | {"t/test.jsonl": b'{"question": [' + b"[]," * 7_000_000 + b"1]}"},
        "4,000,000 values",
    ),
    "a row 100,000 deep": (lambda: SET | {"t/test.jsonl": b"[" * 100_000}, "nests too deeply"),
    "30,000 rows": (lambda: SET | {"t/test.jsonl": ROW * 30_000}, "30,000 rows"),
    "a loader of a stranger": (
        lambda: SET | {"t/loader.py": b"import os; os.system('touch canary2')"},
        "not the studio's own loader",
    ),
    "a name that leads out": (lambda: SET | {"t/../../canary": b"dead"}, "leads out"),
    "zeros": (lambda: SET | {"t/more.bin": b"\0" * 60_000_000}, "200 times smaller"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n[0] in "7z3" else n for n in BUNDLES]
)
def test_bundles(ground: Ground, name: str) -> None:
    make, says = BUNDLES[name]
    data = zipped(make(), zipfile.ZIP_DEFLATED if name == "zeros" else zipfile.ZIP_STORED)
    assert says in ground.refused(lambda: bundle.unpack(data, LIMITS))


@pytest.mark.slow
def test_half_a_zip(ground: Ground) -> None:
    data = zipped(SET)
    for cut in range(0, len(data), len(data) // 12):
        ground.refused(lambda cut=cut: bundle.unpack(data[:cut], LIMITS))
        if cut:
            altered = data[: cut - 1] + bytes([data[cut - 1] ^ 255]) + data[cut:]
            ground.tried(lambda altered=altered: bundle.unpack(altered, LIMITS))


def test_an_ordinary_file_is_no_bomb(ground: Ground) -> None:
    rows = b"".join(b"mo,t,acc,%d,0.5\n" % n for n in range(6_000))
    read = ground.tried(
        lambda: read_results.import_uploads({"x.csv": b"model,task,metric,step,score\n" + rows}, LIMITS)
    )
    assert read is None
    with pytest.raises(StudioError):
        read_results.import_uploads({}, LIMITS)
