"""Recognition and reading of single result files.

Tested in tests/imported/test_read_results.py.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import join_words
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.imported import files as result_files
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import (
    every_eval,
    frames,
    harness_results,
    harness_samples,
    inspect_logs,
    lighteval,
    olmes,
)
from e2lm_core.imported.formats import tables as result_tables
from e2lm_core.imported.formats.frames import READABLE, frame_from_rows, read_frame
from e2lm_core.imported.formats.harness_results import ResultsFile
from e2lm_core.imported.formats.published import curves_of
from e2lm_core.imported.formats.runs import Runs
from e2lm_core.imported.records import EVERYTHING, Evaluation, FileSeen, ImportFilter, Setup

if TYPE_CHECKING:
    import pandas as pd

_Known = Callable[[Any], bool]
MAX_LINES = 400_000  # of an uploaded JSONL file
LINES_A_BIT = 20_000
MAX_GTOKENS = 9e6  # billions of tokens; beyond it a file means something else


# Kinds of JSON, tried in this order, since lighteval's has keys of the harness's as well.
_KINDS: tuple[
    tuple[Callable[[Any], bool], Callable[[Any, str, CheckpointResolver], ResultsFile], str], ...
] = (
    (lighteval.is_results, lighteval.read_results, lighteval.KIND),
    (every_eval.is_record, every_eval.read_record, every_eval.KIND),
    (inspect_logs.is_log, inspect_logs.read_log, inspect_logs.KIND),
    (harness_results.is_results, harness_results.read_results, Sentence("lm-eval results")),
)


class FileReader:
    """Reader of result files one by one; `finish` joins the files of one run by their date.

    Attributes:
        places: Resolver of checkpoint names.
        files: Outcome of reading each file.
        problems: Sentences on what was left out.
    """

    def __init__(self, places: CheckpointResolver, wanted: ImportFilter = EVERYTHING, own: bool = False):
        """Set up a reader without files.

        Args:
            places: Resolver of checkpoint names.
            wanted: Rows of tables to read.
            own: Whether the files are local: these are streamed, without the limits that keep uploads from
                taking the memory and time of others.
        """
        self.places = places
        self._wanted = wanted
        self._own = own
        self._runs = Runs(places)
        self.files = self._runs.files
        self.problems = self._runs.problems
        self._tables: list[Evaluation] = []

    def read(self, name: str, data: bytes | BinaryIO) -> None:
        """Read one file.

        A fault of the file becomes a sentence in `problems` or `files`; nothing is raised.
        """
        for _ in self.read_streaming(name, data):
            pass

    def read_streaming(self, name: str, data: bytes | BinaryIO) -> Iterator[float | None]:
        """Read one file like `read`, pausing now and then so that `take_row_count` can fetch its rows.

        Returns:
            Iterator with one entry per pause: the share of the file that is done, or None where the position
                in the file tells it.
        """
        with self._refusing(name):
            yield from self._read_file(name, io.BytesIO(data) if isinstance(data, bytes) else data)

    def take_row_count(self) -> list[Evaluation]:
        """Fetch the evaluations from rows of tables that were read since the last call."""
        found, self._tables = self._tables, []
        return found

    def finish(self) -> list[Evaluation]:
        """All evaluations of the files read, those with samples joined to the means of the same run."""
        return self._tables + self._runs.finish()

    # --- within ---------------------------------------------------------------------------------------

    @contextmanager
    def _refusing(self, name: str) -> Iterator[None]:
        """Record a fault of the whole file instead of raising it."""
        try:
            yield
        except StudioError as error:
            self._runs.refuse(name, error.sentence, error.sentence)

    def _read_file(self, name: str, file: BinaryIO) -> Iterator[float | None]:
        """Read a file by its suffix and content; raises StudioError for a fault of the whole file."""
        suffix = PurePosixPath(name).suffix.lower()
        if result_files.is_hidden(name):
            self._runs.refuse(name, Sentence("it is a hidden file."))
        elif result_files.is_blank(file):
            problem = Sentence("{file} is empty: it was never written, or not copied.", file=name)
            self._runs.refuse(name, Sentence("it is empty."), problem)
        elif suffix == ".json":
            self._json(name, file.read())
        elif suffix == ".jsonl":
            yield from self._jsonl(name, file)
        elif suffix == result_files.INSPECT:
            content = inspect_logs.header(file.read(), name)
            self._runs.results(name, inspect_logs.read_log(content, name, self.places), inspect_logs.KIND)
        elif suffix == ".parquet" and lighteval.details_of(name) is not None:
            self._runs.details(name, lighteval.read_details(file, name))
        elif suffix in READABLE and self._own:
            rows = frames.row_count(file, name)
            yield from self._large(name, frames.iter_table(file, name), frames.is_large(file, rows), rows)
        elif suffix in READABLE:
            self._table(name, file.read())
        else:
            self._runs.refuse(
                name,
                Sentence(
                    "only .json, .jsonl, .csv, .tsv, .parquet, .eval and a zip of them can hold results."
                ),
            )

    def _json(self, name: str, data: bytes) -> None:
        try:
            text = data.decode("utf-8-sig")
            content = safejson.loads(text)
        except UnicodeDecodeError:
            self._runs.report(name, Sentence("it is not UTF-8 text, so no JSON."))
            return
        except JSONDecodeError as error:
            half = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
            self._runs.report(
                name,
                Sentence(
                    "it is half-written (it ends at line {line}): copy it or run that evaluation again.",
                    line=str(error.lineno),
                )
                if half
                else Sentence(
                    "it is no JSON (line {line}, column {column}: {problem}).",
                    line=str(error.lineno),
                    column=str(error.colno),
                    problem=error.msg.lower(),
                ),
            )
            return
        except safejson.InvalidJson as error:
            self._runs.report(name, Sentence("it is no usable JSON: {problem}.", problem=str(error)))
            return
        kind = next(((read, kind) for known, read, kind in _KINDS if known(content)), None)
        if kind is not None:
            key = (
                ("lighteval", lighteval.date_of(name))
                if kind[1] == lighteval.KIND
                else harness_results.run_key(name)
            )
            self._runs.results(name, kind[0](content, name, self.places), kind[1], key)
        elif olmes.is_metrics(content):
            self._runs.metrics(name, *olmes.read_metrics(content, name, self.places))
        elif isinstance(content, dict) and isinstance(content.get("data"), dict):
            self._published(name, content)
        elif isinstance(content, dict) and isinstance(content.get("curves"), list):
            self._studio(name, content["curves"])
        elif isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
            self._table(name, content)
        else:
            self._runs.refuse(
                name,
                Sentence(
                    'it is JSON, but neither results of a tool that the studio knows ("results") nor a curve file ("data").'
                ),
            )

    def _jsonl(self, name: str, file: BinaryIO) -> Iterator[float | None]:
        if not self._own and result_files.has_more(file, MAX_LINES, safejson.MAX_PARTS):
            self._runs.report(
                name,
                Sentence(
                    "it has more than {lines} lines or {values} values.",
                    lines=MAX_LINES,
                    values=safejson.MAX_PARTS,
                ),
            )
            return
        lines = result_files.Lines(file)
        try:
            first = next(lines, None)
        except ValueError:
            self._runs.report(name, Sentence("its line {line} is no JSON.", line=str(lines.number)))
            return
        known, slim, take = next((kind for kind in self._line_kinds() if kind[0](first)), (None, None, None))
        if known is None or slim is None or take is None:
            self._runs.refuse(name, Sentence("its lines are neither samples of lm-eval nor rows of a table."))
            return
        every = itertools.chain([first], lines.iter_values())
        with self._refusing(name):
            if take == self._table and self._own:
                rows = (row for row in every if isinstance(row, dict))
                bits = iter(lambda: list(itertools.islice(rows, LINES_A_BIT)), [])
                yield from self._large(
                    name, (frames.frame_from_rows(bit, name) for bit in bits), frames.is_large(file, None)
                )
            else:
                kept = []
                for row in every:
                    if known(row):
                        kept.append(slim(row))
                    if lines.number % LINES_A_BIT == 0:
                        yield None
                take(name, kept)
        if lines.broken:
            at = join_words([f"{number:,}" for number in lines.broken])
            self.problems.append(
                Sentence(
                    "{file}: line {lines} of {all} is no whole JSON and is left out; copy the file again.",
                    "{file}: lines {lines} of {all} are no whole JSON and are left out; copy the file again.",
                    number=len(lines.broken),
                    file=name,
                    lines=at,
                    all=lines.number,
                )
            )

    def _line_kinds(self) -> Iterator[tuple[_Known, Callable[[Any], Any], Callable[[str, list[Any]], None]]]:
        """Kinds of JSONL lines: predicate, reduction to the fields used, and handler of all lines."""
        yield harness_samples.is_sample, harness_samples.slim, self._runs.samples
        yield olmes.is_prediction, olmes.drop_unused_fields, self._runs.predictions
        yield olmes.is_metrics, lambda row: row, self._metrics
        yield (
            olmes.is_request,
            lambda row: None,
            lambda name, rows: self._aside(name, Sentence("OLMES requests")),
        )
        yield (
            every_eval.is_sample,
            lambda row: None,
            lambda name, rows: self._aside(name, Sentence("every_eval_ever samples")),
        )
        yield lambda row: isinstance(row, dict), lambda row: row, self._table

    def _metrics(self, name: str, rows: list[Any]) -> None:
        read = [olmes.read_metrics(row, name, self.places) for row in rows]
        problems = dict.fromkeys(sentence for _, said in read for sentence in said)
        self._runs.metrics(name, [run for runs, _ in read for run in runs], list(problems))

    def _aside(self, name: str, kind: str) -> None:
        self.files.append(FileSeen(file=name, kind=kind))

    def _large(
        self, name: str, pieces: Iterable[pd.DataFrame], large: bool, rows: int | None = None
    ) -> Iterator[float | None]:
        """Read a local table some rows at a time."""
        table = result_tables.Table(name, self.places, self._wanted, large)
        for piece in pieces:
            self._tables += table.take(piece)
            yield table.rows / rows if rows else None
        self.problems += table.finish()
        self.files.append(FileSeen(file=name, kind=Sentence("table"), results=table.results))

    def _table(self, name: str, content: bytes | list[Any]) -> None:
        """Read a table from a file's bytes, or from rows that are parsed already."""
        frame = read_frame(content, name) if isinstance(content, bytes) else frame_from_rows(content, name)
        evaluations, problems = result_tables.evaluations(frame, name, self.places)
        self._tables += evaluations
        self.problems += problems
        self.files.append(FileSeen(file=name, kind=Sentence("table"), results=len(evaluations)))

    def _published(self, name: str, content: Any) -> None:
        curves = curves_of(content, PurePosixPath(name).name)
        for model, benchmarks in curves.data.items():
            for k, (step, gtokens) in enumerate(
                zip(curves.iteration[model], curves.gtokens[model], strict=True)
            ):
                seen = round(float(gtokens) * 1e9) if gtokens < MAX_GTOKENS else None
                spot = self.places.from_row(model, int(step), seen)
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
                    at = join_words([f"{step:,}" for step in gaps])
                    self.problems.append(
                        Sentence(
                            "{file}: {model} has no score for {task} at iteration {iterations}; left out.",
                            file=name,
                            model=model,
                            task=task,
                            iterations=at,
                        )
                    )
        results = sum(len(scores) for scores in curves.data.values())
        self.files.append(FileSeen(file=name, kind=Sentence("published curves"), results=results))

    def _studio(self, name: str, curves: Sequence[Any]) -> None:
        """Read the output of `import-results --json`: one object per curve, with its lists."""
        rows = []
        for curve in curves:
            try:
                errors = curve.get("stderr") or [None] * len(curve["steps"])
                axes = zip(curve["steps"], curve["tokens_seen"], curve["scores"], errors, strict=True)
                same = {key: curve.get(key) for key in ("questions", "seed_of", *Setup.model_fields)}
                rows += [
                    {
                        "model": curve["model"],
                        "task": curve["task"],
                        "metric": curve["metric"],
                        "step": step,
                        "tokens_seen": tokens,
                        "score": score,
                        "num_fewshot": curve.get("num_fewshot"),
                        "stderr": stderr,
                        **same,
                    }
                    for step, tokens, score, stderr in axes
                ]
            except (KeyError, TypeError, ValueError):
                self._runs.report(name, 'a curve needs "model", "task", "metric" and lists of one length.')
                return
        self._table(name, rows)
