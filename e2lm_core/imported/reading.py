"""Files of results one by one: what each is, and the evaluations that it holds or why it holds none.

Tested in tests/imported/test_opening.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from json import JSONDecodeError
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.phrasing import listing
from e2lm_core.base.strangers import safejson
from e2lm_core.imported import files as result_files
from e2lm_core.imported.formats import harness_results, harness_samples
from e2lm_core.imported.formats import tables as result_tables
from e2lm_core.imported.formats.frames import READABLE, frame_of, read_frame
from e2lm_core.imported.formats.published import curves_of
from e2lm_core.imported.places import Places
from e2lm_core.imported.records import Evaluation, FileSeen

MAX_LINES = 400_000  # of a JSONL file
MAX_GTOKENS = 9e6  # billions of tokens; beyond it a file means something else


class Reading:
    """Takes files one by one; what belongs together by its date is joined at the end."""

    def __init__(self, places: Places):
        self.places = places
        self.files: list[FileSeen] = []
        self.problems: list[str] = []
        self._runs: dict[tuple[str, str], list[tuple[str, harness_results.ResultsFile]]] = defaultdict(list)
        self._samples: dict[str, list[Any]] = {}
        self._tables: list[Evaluation] = []

    def read(self, name: str, data: bytes) -> None:
        """Take one file.

        Whatever is wrong with it is a sentence in `problems` or `files`; nothing is raised.
        """
        suffix = PurePosixPath(name).suffix.lower()
        if result_files.hidden(name):
            self._refuse(name, "it is a hidden file.")
        elif not data.strip():
            self._refuse(name, "it is empty.")
            self.problems.append(f"{name} is empty: it was never written, or not copied.")
        elif suffix == ".json":
            self._json(name, data)
        elif suffix == ".jsonl":
            self._jsonl(name, data)
        elif suffix in READABLE:
            self._table(name, data)
        else:
            self._refuse(name, "only .json, .jsonl, .csv, .tsv, .parquet and a zip of them can hold results.")

    def finish(self) -> list[Evaluation]:
        """Every evaluation of the files that were read, samples put beside the aggregates of the same run."""
        evaluations = list(self._tables)
        for name, rows in self._samples.items():
            evaluations += self._sampled(name, rows)
        for runs in self._runs.values():
            for _, run in runs:
                evaluations += run.evaluations
        return evaluations

    def _refuse(self, name: str, why: str) -> None:
        self.files.append(FileSeen(file=name, why=why))

    def _broken(self, name: str, sentence: str) -> None:
        self._refuse(name, sentence)
        self.problems.append(f"{name}: {sentence}")

    def _json(self, name: str, data: bytes) -> None:
        try:
            text = data.decode("utf-8-sig")
            content = safejson.loads(text)
        except UnicodeDecodeError:
            self._broken(name, "it is not UTF-8 text, so no JSON.")
            return
        except JSONDecodeError as error:
            half = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
            self._broken(
                name,
                f"it is half-written (it ends at line {error.lineno}): copy it or run that evaluation again."
                if half
                else f"it is no JSON (line {error.lineno}, column {error.colno}: {error.msg.lower()}).",
            )
            return
        except safejson.Unusable as error:
            self._broken(name, f"it is no usable JSON: {error}.")
            return
        if harness_results.is_results(content):
            run = harness_results.read_results(content, name, self.places)
            self._runs[harness_results.run_key(name)].append((name, run))
            self.problems += run.problems
            if run.spot is None:
                self._refuse(name, "its names tell no checkpoint.")
            else:
                self.files.append(FileSeen(file=name, kind="lm-eval results", results=len(run.evaluations)))
        elif isinstance(content, dict) and isinstance(content.get("data"), dict):
            self._published(name, content)
        elif isinstance(content, dict) and isinstance(content.get("curves"), list):
            self._studio(name, content["curves"])
        elif isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
            self._table(name, content)
        else:
            self._refuse(
                name, 'it is JSON, but neither lm-eval results ("results") nor a curve file ("data").'
            )

    def _jsonl(self, name: str, data: bytes) -> None:
        rows: list[Any] = []
        if data.count(b"\n") > MAX_LINES or data.count(b",") > safejson.MAX_PARTS:
            self._broken(name, f"it has more than {MAX_LINES:,} lines or {safejson.MAX_PARTS:,} values.")
            return
        # At b"\n" alone: a question may hold U+2028, U+0085 and whatever else Python takes for the end of a line.
        lines = data.rstrip(b"\n").split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                rows.append(safejson.loads(line.decode("utf-8", "replace")))
            except ValueError:
                if not rows:
                    self._broken(name, f"its line {number} is no JSON.")
                    return
                self.problems.append(
                    f"{name}: line {number:,} of {len(lines):,} is no whole JSON and is left out; copy the "
                    "file again."
                )
        if rows and harness_samples.is_sample(rows[0]):
            self._samples[name] = [row for row in rows if harness_samples.is_sample(row)]
        elif rows and isinstance(rows[0], dict):
            self._table(name, [row for row in rows if isinstance(row, dict)])
        else:
            self._refuse(name, "its lines are neither samples of lm-eval nor rows of a table.")

    def _table(self, name: str, content: bytes | list[Any]) -> None:
        """A table as a file's bytes, or as rows that were read already."""
        try:
            frame = read_frame(content, name) if isinstance(content, bytes) else frame_of(content, name)
            evaluations, problems = result_tables.evaluations(frame, name, self.places)
        except StudioError as error:
            self._refuse(name, str(error))
            self.problems.append(str(error))
            return
        self._tables += evaluations
        self.problems += problems
        self.files.append(FileSeen(file=name, kind="table", results=len(evaluations)))

    def _published(self, name: str, content: Any) -> None:
        try:
            curves = curves_of(content, PurePosixPath(name).name)
        except StudioError as error:
            self._refuse(name, str(error))
            self.problems.append(str(error))
            return
        for model, benchmarks in curves.data.items():
            for k, (step, gtokens) in enumerate(
                zip(curves.iteration[model], curves.gtokens[model], strict=True)
            ):
                seen = round(float(gtokens) * 1e9) if gtokens < MAX_GTOKENS else None
                spot = self.places.named(model, int(step), seen)
                self._tables += [
                    Evaluation(
                        model=spot.model,
                        step=spot.step,
                        tokens_seen=spot.tokens_seen,
                        early=spot.early,
                        checkpoint=spot.name,
                        task=task,
                        scores={"score": float(values[k])},
                        source=name,
                    )
                    for task, values in benchmarks.items()
                    if np.isfinite(values[k])
                ]
            for task, values in benchmarks.items():
                if (gaps := curves.iteration[model][~np.isfinite(values)]).size:
                    at = listing([f"{step:,}" for step in gaps])
                    self.problems.append(
                        f"{name}: {model} has no score for {task} at iteration {at}; left out."
                    )
        results = sum(len(scores) for scores in curves.data.values())
        self.files.append(FileSeen(file=name, kind="published curves", results=results))

    def _studio(self, name: str, curves: Sequence[Any]) -> None:
        """What `import-results --json` prints: a curve an object, with its lists."""
        rows = []
        for curve in curves:
            try:
                axes = zip(curve["steps"], curve["tokens_seen"], curve["scores"], strict=True)
                rows += [
                    {
                        "model": curve["model"],
                        "task": curve["task"],
                        "metric": curve["metric"],
                        "step": step,
                        "tokens_seen": tokens,
                        "score": score,
                        "num_fewshot": curve.get("num_fewshot"),
                    }
                    for step, tokens, score in axes
                ]
            except (KeyError, TypeError, ValueError):
                self._broken(name, 'a curve needs "model", "task", "metric" and lists of one length.')
                return
        self._table(name, rows)

    def _sampled(self, name: str, rows: Sequence[Any]) -> list[Evaluation]:
        """Puts samples beside their run's aggregate; alone, their folder's name tells the model."""
        task = harness_results.sample_task(name) or PurePosixPath(name).stem
        for index, (file, run) in enumerate(self._runs.get(harness_results.run_key(name), [])):
            for at, evaluation in enumerate(run.evaluations):
                if evaluation.task == task:
                    delimiter = run.delimiters.get(task, harness_results.DELIMITER)
                    fuller, why = harness_samples.add_samples(evaluation, rows, delimiter)
                    evaluations = [*run.evaluations[:at], fuller, *run.evaluations[at + 1 :]]
                    changed = harness_results.ResultsFile(
                        tuple(evaluations), run.spot, run.delimiters, run.problems
                    )
                    self._runs[harness_results.run_key(name)][index] = (file, changed)
                    self._said(name, why)
                    return []
        folder = harness_results.folder_names(name)
        spot = self.places.find(folder) if folder else None
        if spot is None:
            self._broken(
                name,
                "its results_….json of the same date is not beside it, so its checkpoint is unknown: "
                "copy that too.",
            )
            return []
        fuller, why = harness_samples.add_samples(
            harness_results.alone(task, spot, name), rows, harness_results.DELIMITER
        )
        self._said(name, why)
        self.problems.append(
            f"{name} stands without its results_….json: the checkpoint is read from the folder's name, and "
            "the number of few-shot examples is unknown."
        )
        return [fuller] if fuller.scores else []

    def _said(self, name: str, why: str | None) -> None:
        if why is None:
            self.files.append(FileSeen(file=name, kind="lm-eval samples", results=1))
        else:
            self._refuse(name, why)
            self.problems.append(why)
