"""How often an edit by a cue word is told from an edit to a clearer question, on the built-in mini models.

    python -m benchmarks.wording.edits [--home FOLDER]

`pairs.jsonl` has a line for each edit: its kind, the question before and after, and the choices, the right answer
first. Kinds were given before any model was run. An edit that does not raise its question (the interval of its gain
reaches 0) has nothing to be told of; of the others, an edit by a cue word is told right if it is called cue words, one
to a clearer question if it is called beyond one word. Prints the table of edits and the counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from e2lm_core.analysis.questions.cue_words import EditControl
from e2lm_core.base.records import Checkpoint, Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs.checkpoint_order import last_of_each
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.store.control_results import load_edit_controls, new_words
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.prompts.wrong_question_control import words_set

PAIRS = Path(__file__).with_name("pairs.jsonl")
VERDICTS = {"cue word": "cue words", "clearer": "beyond one word"}  # kind of an edit: its right verdict


class Told(NamedTuple):
    """An edit of a pair, and what the control says of it; None where nothing can be told."""

    kind: str
    before: str
    after: str
    control: EditControl | None

    @property
    def rises(self) -> bool:
        """Whether the edit raises its question, beyond the doubt of the interval."""
        return self.control is not None and self.control.gain.low > 0

    @property
    def is_right(self) -> bool:
        """Whether the verdict is that of the edit's kind."""
        return self.control is not None and self.control.verdict == VERDICTS[self.kind]


def read_pairs(path: Path = PAIRS) -> list[dict]:
    """The pairs, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def set_of_pairs(pairs: Sequence[dict], side: str) -> TaskSet:
    """Set of the questions before or after the edits, with the right answers' places going round."""
    questions = []
    for number, pair in enumerate(pairs):
        turn = number % len(pair["choices"])
        choices = (*pair["choices"][turn:], *pair["choices"][:turn])
        answer = choices.index(pair["choices"][0])
        questions.append(Question(id=f"p{number}", question=pair[side], choices=choices, answer=answer))
    return TaskSet(config=TaskConfig(task=f"edits_{side}"), questions=tuple(questions))


def told_edits(studio: Studio, checkpoints: Sequence[Checkpoint], pairs: Sequence[dict]) -> Iterator[Told]:
    """Run the questions and their rarest new words at the last checkpoints, and tell each edit's kind."""
    ends = last_of_each(checkpoints)
    before, after = (set_of_pairs(pairs, side) for side in ("before", "after"))
    for task in (before, after):
        evaluate(studio, task, ends)
    names = [question.id for question in after.questions]
    words = {name: word for name, word in new_words(before, after, names).items() if word}
    evaluate(studio, words_set(after, words), ends)
    found = {one.question_id: one for one in load_edit_controls(studio, before, after, names, ends)}
    for name, pair in zip(names, pairs, strict=True):
        yield Told(pair["kind"], pair["before"], pair["after"], found.get(name))


def main() -> None:
    """Run the pairs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder of the results (default: a temporary one)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        studio = open_studio(Settings(home=asked.home or Path(temporary)))
        told = list(told_edits(studio, studio.catalogue.checkpoints, read_pairs()))
    print("| kind | told | gain | control | difference | word | after |\n|---|---|---|---|---|---|---|")
    for one in told:
        if (found := one.control) is None:
            print(f"| {one.kind} | not run | | | | | {one.after} |")
            continue
        figures = " | ".join(
            f"{g.value:+.2f} [{g.low:+.2f}, {g.high:+.2f}]"
            for g in (found.gain, found.control, found.difference)
        )
        print(f"| {one.kind} | {found.verdict or '–'} | {figures} | {found.word or '–'} | {one.after} |")
    for kind, verdict in VERDICTS.items():
        risen = [one for one in told if one.kind == kind and one.rises]
        wrong = [one for one in risen if one.control and one.control.verdict not in (None, verdict)]
        right = sum(one.is_right for one in risen)
        print(f"\n{kind}: {right} of {len(risen)} that rise told right, {len(wrong)} told as the other kind")


if __name__ == "__main__":
    main()
