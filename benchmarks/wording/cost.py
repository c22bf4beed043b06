"""Cost of the wording control beside the plain run of a set, cold and after one edit.

    python -m benchmarks.wording.cost [--questions 400] [--every-checkpoint]

Runs the first questions of `ladder_science` on the built-in mini models of its default model group, in a fresh home and
without shipped results: the set itself at every checkpoint, its control at each model's last one (and, if asked for, at
every one), then both again after one question is edited. Prints prompts, CPU seconds of this process and ratios to the
plain run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.state import fleet_of_set
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.prompts.wrong_question_control import control_set

SET = "ladder_science"


def run(studio: Studio, task: TaskSet, checkpoints: Sequence[Checkpoint]) -> tuple[int, float, float]:
    """Number of computed prompts, CPU seconds and wall seconds of a run."""
    cpu, wall = time.process_time(), time.monotonic()
    result = evaluate(studio, task, checkpoints)
    return result.computed, time.process_time() - cpu, time.monotonic() - wall


def with_edit(task: TaskSet) -> TaskSet:
    """The set with another text in the first question."""
    first = task.questions[0].model_copy(
        update={"question": "Which answer belongs to a quokka of Rottnest Island?"}
    )
    return task.model_copy(update={"questions": (first, *task.questions[1:])})


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--every-checkpoint", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home))).without_shipped_results
        whole = open_set(studio.settings, SET)
        task = whole.model_copy(update={"questions": whole.questions[: asked.questions]})
        every = list(fleet_of_set(studio, SET).checkpoints)
        ends = last_of_each(every)
        evaluate(studio, task, ends[:1])  # imports, and a first load
        rows = [("plain run", *run(studio, task, every))]
        rows.append((f"control, {len(ends)} last checkpoints", *run(studio, control_set(task), ends)))
        if asked.every_checkpoint:
            rows.append((f"control, all {len(every)} checkpoints", *run(studio, control_set(task), every)))
        now = with_edit(task)
        rows.append(("plain run after one edit", *run(studio, now, every)))
        rows.append(
            (f"control after one edit, {len(ends)} checkpoints", *run(studio, control_set(now), ends))
        )
        if asked.every_checkpoint:
            rows.append((f"control after one edit, all {len(every)}", *run(studio, control_set(now), every)))
    print(f"{len(every)} checkpoints, {len(task.questions)} questions\n")
    print("| run | prompts | CPU s | wall s | CPU, plain run = 1 |\n|---|---|---|---|---|")
    for name, computed, cpu, wall in rows:
        print(f"| {name} | {computed:,} | {cpu:.1f} | {wall:.1f} | {cpu / rows[0][2]:.3f} |")


if __name__ == "__main__":
    main()
