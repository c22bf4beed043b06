"""Trials: results of variants of a set, computed in memory and never stored.

A page hands a trial to the worker, which has the models in memory. The results come back in one file, which is deleted
as soon as it is read.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Checkpoint, RenderedDoc, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.runs.evaluate import evaluate_prompts
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.queue.records import ALONE, Job, ProgressListener
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.store.requests import render_prompts
from e2lm_core.runs.store.trial_store import TrialStore
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.variants import MAX_VARIANTS, Variant, variant_set

FEW_TOGETHER = 100  # questions that checkpoints are computed together for: the variants of one question
KEPT_S = 600.0  # a result that nobody reads is deleted after so long
MAX_PROMPTS = 40_000


class Trial:
    """Results of variants of a set on some checkpoints.

    Attributes:
        task: The set.
        variants: The variants.
        checkpoints: Checkpoints to run on.
    """

    def __init__(
        self,
        studio: Studio,
        task: TaskSet,
        variants: Sequence[Variant],
        checkpoints: Sequence[Checkpoint],
        num_fewshot: int | None = None,
    ) -> None:
        """Prepare a trial; nothing is computed.

        Args:
            studio: Store, catalogue and backend.
            task: The set.
            variants: Its variants.
            checkpoints: Checkpoints to run on.
            num_fewshot: Number of few-shot examples of variants that name none; None for the set's own.

        Raises:
            TaskError: There are too many variants or prompts, or a variant cannot be tried.
        """
        if len(variants) > MAX_VARIANTS:
            raise TaskError(
                Sentence(
                    "{variants} variants are too many for one trial: try at most {max_variants}.",
                    variants=len(variants),
                    max_variants=MAX_VARIANTS,
                )
            )
        self.task, self.variants = task, tuple(variants)
        self._store = TrialStore(studio.store)
        self._studio = replace(studio, store=self._store)
        self.checkpoints, self._num_fewshot = tuple(checkpoints), num_fewshot
        self._sets = [variant_set(task, variant) for variant in variants]
        if (prompts := sum(len(one.questions) for one in self._sets)) > MAX_PROMPTS:
            raise TaskError(
                Sentence(
                    "{prompts} prompts are too many for one trial: try fewer formats or orders, at most "
                    "{max_prompts} prompts together.",
                    prompts=prompts,
                    max_prompts=MAX_PROMPTS,
                )
            )

    def prompts(self) -> list[RenderedDoc]:
        """Rendered prompts of all variants, one variant after another.

        Raises:
            TaskError: A prompt cannot be rendered.
        """
        pairs = zip(self._sets, self.variants, strict=True)
        return [doc for one, variant in pairs for doc in render_prompts(one, self._shots(variant))]

    def compute(self, progress: ProgressListener = ALONE) -> None:
        """Compute what is neither stored nor computed yet.

        Args:
            progress: Listener that is told the progress and asked whether to stop.

        Raises:
            TaskError: A prompt cannot be rendered.
            CheckpointError: No checkpoint is chosen, or none can be used.
            Cancelled: `progress.cancelled()` turned true.
        """
        evaluate_prompts(self._studio, self.prompts(), self.checkpoints, progress, few_questions=FEW_TOGETHER)

    def measurements(self, facts: bool = False) -> list[Measurements]:
        """Results of each variant, NaN where they are missing.

        Args:
            facts: Whether to look up what the mini models were taught.
        """
        return [
            load_measurements(self._studio, one, self.checkpoints, self._shots(variant), facts=facts)
            for one, variant in zip(self._sets, self.variants, strict=True)
        ]

    def write(self, path: Path) -> None:
        """Write the computed results into a new file, readable by this user alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, allow_pickle=False, **self._store.dump())
        part.replace(path)

    def read(self, path: Path) -> bool:
        """Take the results of a file, and delete it; False without one."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            with np.load(path, allow_pickle=False) as arrays:
                self._store.load(dict(arrays))
            path.unlink(missing_ok=True)
            return True
        return False

    def _shots(self, variant: Variant) -> int | None:
        return self._num_fewshot if variant.num_fewshot is None else variant.num_fewshot


def run_trial_job(
    studio: Studio, job: Job, task: TaskSet, checkpoints: Sequence[Checkpoint], progress: ProgressListener
) -> None:
    """Compute the trial of a job, and leave its results for the page that asked.

    Args:
        studio: Store, catalogue and backend.
        job: The job.
        task: Its set.
        checkpoints: Its checkpoints.
        progress: Listener that is told the progress and asked whether to stop.

    Raises:
        TaskError: A prompt cannot be rendered.
        CheckpointError: No checkpoint can be used.
        Cancelled: `progress.cancelled()` turned true.
    """
    variants = [Variant.model_validate(one) for one in job.payload["variants"]]
    trial = Trial(studio, task, variants, checkpoints, job.payload["num_fewshot"])
    trial.compute(progress)
    _remove_old(studio.settings)
    trial.write(_file(studio.settings, job.id))


def take_results(studio: Studio, job_id: int, trial: Trial) -> bool:
    """Take the results of a trial's job, once; False if there are none.

    Args:
        studio: Settings of the caller and queue.
        job_id: Number of the job.
        trial: The trial, as it was submitted.

    Raises:
        StoreError: There is no such run, or the caller may not see it.
    """
    job = permissions.get_visible_run(studio, job_id)
    return job.state == "done" and trial.read(_file(studio.settings, job.id))


def _file(settings: Settings, job_id: int) -> Path:
    return settings.cache / "trials" / f"{job_id}.npz"


def _remove_old(settings: Settings) -> None:
    """Delete results that nobody has read: of a page that was left."""
    with contextlib.suppress(OSError):
        for path in (settings.cache / "trials").iterdir():
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink(missing_ok=True)
