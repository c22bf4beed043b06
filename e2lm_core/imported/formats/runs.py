"""Joins the files of one run: means and samples.

Tested in tests/imported/test_read_results.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import (
    choice_loglikelihoods,
    harness_results,
    harness_samples,
    lighteval,
    olmes,
)
from e2lm_core.imported.formats.choice_loglikelihoods import ScoredQuestion
from e2lm_core.imported.formats.harness_results import ResultsFile
from e2lm_core.imported.records import Evaluation, FileSeen

Fuller = tuple[Evaluation, str | None]  # with questions and None, or unchanged and the reason
Key = tuple[str, str]
_LM_EVAL_SAMPLES = Sentence("lm-eval samples")
_LIGHTEVAL_DETAILS = Sentence("lighteval details")
_OLMES_PREDICTIONS = Sentence("OLMES predictions")


class Runs:
    """Files of runs, collected one by one; `finish` joins means and samples of the same run.

    Attributes:
        places: Resolver of checkpoint names.
        files: Outcome of reading each file.
        problems: Sentences on what was left out or could not be joined.
    """

    def __init__(self, places: CheckpointResolver):
        self.places = places
        self.files: list[FileSeen] = []
        self.problems: list[str] = []
        self._results: dict[Key, list[ResultsFile]] = defaultdict(list)
        self._samples: dict[str, list[Any]] = {}
        self._details: dict[str, list[ScoredQuestion]] = {}
        self._olmes: list[olmes.Run] = []
        self._predictions: dict[str, list[Any]] = {}

    def results(self, name: str, run: ResultsFile, kind: str, key: Key | None = None) -> None:
        """Add the means of a run.

        Args:
            name: Name of the file.
            run: Its content.
            kind: Its format, for the list of files.
            key: Key by which a file of samples finds the run; None if it has no such file.
        """
        self._results[key or ("alone", name)].append(run)
        self.problems += run.problems
        if run.spot is None:
            self.refuse(name, Sentence("its names tell no checkpoint."))
        else:
            self.files.append(FileSeen(file=name, kind=kind, results=len(run.evaluations)))

    def samples(self, name: str, rows: list[Any]) -> None:
        """Add samples of lm-evaluation-harness."""
        self._samples[name] = rows

    def details(self, name: str, answered: list[ScoredQuestion]) -> None:
        """Add details of lighteval."""
        self._details[name] = answered

    def metrics(self, name: str, runs: Sequence[olmes.Run], problems: Sequence[str]) -> None:
        """Add metrics of OLMES, of one task or of many."""
        self._olmes += runs
        self.problems += problems
        if runs:
            self.files.append(FileSeen(file=name, kind=olmes.KIND, results=len(runs)))
        else:
            self.refuse(name, Sentence("its names tell no checkpoint."))

    def predictions(self, name: str, rows: list[Any]) -> None:
        """Add predictions of OLMES."""
        self._predictions[name] = rows

    def refuse(self, name: str, why: str, problem: str | None = None) -> None:
        """Record a file without results.

        Args:
            name: Name of the file.
            why: The reason.
            problem: Sentence on the file among those on the whole import; None for none.
        """
        self.files.append(FileSeen(file=name, why=why))
        if problem is not None:
            self.problems.append(problem)

    def report(self, name: str, why: str) -> None:
        """Record a file without results, with the reason among the problems of the whole import."""
        self.refuse(name, why, Sentence("{file}: {why}", file=name, why=why))

    def finish(self) -> list[Evaluation]:
        """All evaluations, with their questions where there are samples."""
        found: list[Evaluation] = []
        for name, rows in self._samples.items():
            found += self._sampled(name, rows)
        for name, answered in self._details.items():
            found += self._detailed(name, answered)
        self._olmes = olmes.drop_duplicates(self._olmes)
        for name, rows in self._predictions.items():
            found += self._predicted(name, rows)
        found += [run.evaluation for run in self._olmes]
        return found + [one for runs in self._results.values() for run in runs for one in run.evaluations]

    # --- within ---------------------------------------------------------------------------------------

    def _sampled(self, name: str, rows: Sequence[Any]) -> list[Evaluation]:
        """Join samples to their run's means; without means, the folder's name gives the model."""
        task = harness_results.sample_task(name) or PurePosixPath(name).stem

        def add(evaluation: Evaluation, run: ResultsFile) -> Fuller:
            delimiter = run.delimiters.get(task, harness_results.DELIMITER)
            return harness_samples.add_samples(evaluation, rows, delimiter)

        if self._joined(name, harness_results.run_key(name), task, None, add, _LM_EVAL_SAMPLES):
            return []
        folder = harness_results.folder_names(name)
        spot = self.places.find(folder) if folder else None
        if spot is None:
            why = Sentence(
                "its results_….json of the same date is not beside it, so its checkpoint is unknown: copy that too."
            )
            self.report(name, why)
            return []
        alone = harness_results.evaluation_at(spot, task, name)
        fuller, why_not = harness_samples.add_samples(alone, rows, harness_results.DELIMITER)
        self._said(name, why_not, _LM_EVAL_SAMPLES)
        self.problems.append(
            Sentence(
                "{file} stands without its results_….json: the checkpoint is read from the folder's name, and the number of "
                "few-shot examples is unknown.",
                file=name,
            )
        )
        return [fuller] if fuller.scores else []

    def _detailed(self, name: str, answered: list[ScoredQuestion]) -> list[Evaluation]:
        called, date = lighteval.details_of(name) or (PurePosixPath(name).stem, "")
        task, shots = lighteval.task_of(called)

        def add(evaluation: Evaluation, run: ResultsFile) -> Fuller:
            return lighteval.add_details(evaluation, answered)

        if self._joined(name, ("lighteval", date), task, shots, add, _LIGHTEVAL_DETAILS):
            return []
        spot = lighteval.folder_spot(name, self.places)
        if spot is None:
            why = Sentence(
                "its results_….json of the same date is not there, and its folders tell no checkpoint: copy the "
                "folder of results too."
            )
            self.report(name, why)
            return []
        alone = replace(harness_results.evaluation_at(spot, task, name), num_fewshot=shots)
        fuller, why_not = lighteval.add_details(alone, answered)
        self._said(name, why_not, _LIGHTEVAL_DETAILS)
        return [fuller] if fuller.scores else []

    def _joined(
        self,
        name: str,
        key: Key,
        task: str,
        shots: int | None,
        add: Callable[[Evaluation, ResultsFile], Fuller],
        kind: str,
    ) -> bool:
        """Whether a run of that key has the task: its questions are then added, or the reason is reported."""
        for place, run in enumerate(runs := self._results.get(key, [])):
            for at, evaluation in enumerate(run.evaluations):
                if evaluation.task == task and shots in (None, evaluation.num_fewshot):
                    fuller, why = add(evaluation, run)
                    kept = (*run.evaluations[:at], fuller, *run.evaluations[at + 1 :])
                    runs[place] = replace(run, evaluations=kept)
                    self._said(name, why, kind)
                    return True
        return False

    def _predicted(self, name: str, rows: list[Any]) -> list[Evaluation]:
        place = olmes.match_run(name, self._olmes)
        if place is None:
            spot = olmes.find_checkpoint({}, name, self.places)
            if spot is None:
                why = Sentence(
                    "its metrics are not beside it, so its checkpoint is unknown: copy that file too."
                )
                self.report(name, why)
                return []
            task = PurePosixPath(name).name.removesuffix(olmes.PREDICTIONS)
            run = olmes.Run(harness_results.evaluation_at(spot, task, name), "", task)
        else:
            run = self._olmes[place]
        one = run.evaluation
        read = olmes.read_predictions(rows)
        if isinstance(read, str):
            why = Sentence(
                "{where}: the predictions give no log-likelihoods of choices ({reason}).",
                where=choice_loglikelihoods.point(one),
                reason=read,
            )
            self._said(name, why, "")
            return []
        fuller, why_not = olmes.add_predictions(one, read)
        self._said(name, why_not, _OLMES_PREDICTIONS)
        if place is None:
            return [fuller] if fuller.scores else []
        self._olmes[place] = run._replace(evaluation=fuller)
        return []

    def _said(self, name: str, why: str | None, kind: str) -> None:
        if why is None:
            self.files.append(FileSeen(file=name, kind=kind, results=1))
        else:
            self.refuse(name, why, why)
