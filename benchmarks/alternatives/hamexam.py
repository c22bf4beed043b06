"""A look at questions that the studio does not bring, judged by a real model: Debian's amateur radio questions.

100 questions of the package `hamexam` with short choices, drawn by a seed; one wrong answer of each is hidden. The mini
models, which know nothing of radio, choose a text in its place. SmolLM2-135M judges: how often it answers with the
text where it misses the question. One model at one checkpoint, so each question gives 0 or 1.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.alternatives.distractors import differences, judged_texts, tried_choices
from e2lm_core.analysis.alternatives.halves import Halves
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.fleets import find_fleet, open_fleet
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.uncertainty.means.proportions import wilson
from e2lm_core.sets.collection import create_set

FOLDER = Path("/usr/share/hamexam")
GROUPS = ("T", "G", "E")  # technician, general, extra: the three licences
SEED, COUNT, MAX_CHARS = 20261130, 100, 40
LETTERS = "ABCD"


def tables(settings: Settings) -> Iterator[tuple[str, str]]:
    """Tables of the look; none without the package."""
    if not FOLDER.is_dir():
        print(f"\n{FOLDER} is not there: install Debian's hamexam.")
        return
    smollm2.unpack_model(settings)
    studio = open_studio(settings)
    draw = random.Random(SEED)
    questions = draw.sample([q for q in read_questions() if max(map(len, q.choices)) <= MAX_CHARS], COUNT)
    task = create_set(settings, "hamexam", questions)
    ladder = tuple(studio.catalogue.checkpoints)
    chosen_on = tuple(dict.fromkeys(c.model.name for c in ladder if c.packed and c.model.counts_in_scores))
    small = tuple(c for c in ladder if c.packed and c.model.name in chosen_on)
    judge = tuple(open_fleet(studio, find_fleet(studio, smollm2.NAME)).checkpoints)
    evaluate(studio, task, (*small, *judge))
    pairs = [(q, draw.choice([i for i in range(len(q.choices)) if i != q.answer])) for q in questions]
    halves = Halves(choosing=chosen_on, judging=(smollm2.NAME,))
    judged = []
    for planned, result, tried in tried_choices(
        studio, task, pairs, run_on=((*small, *judge), 0), halves=halves
    ):
        judged += judged_texts(planned, result, tried, draw)
    right = load_measurements(studio, task, judge).values(smollm2.NAME, "acc")[0]
    low, high = wilson(float(right), COUNT, 1.96)
    known = f"SmolLM2-135M answers {right:.0%} of them ({low:.0%} to {high:.0%}; random guessing gives 25%)."
    yield "hamexam", f"{known}\n\n{differences(judged, is_asked_for=False)}"


def read_questions() -> list[Question]:
    """The questions with four choices; those that show a picture are left out."""
    found = []
    for group in GROUPS:
        for file in sorted((FOLDER / group).iterdir()):
            head, text, *rest = file.read_text(encoding="utf-8", errors="replace").splitlines()
            letter = head.partition("(")[2][:1]
            choices = tuple(line[3:].strip() for line in rest if line[1:3] == ". ")
            if len(choices) == len(LETTERS) and letter in LETTERS and "figure" not in text.lower():
                found.append(
                    Question(
                        id=file.name, question=text.strip(), choices=choices, answer=LETTERS.index(letter)
                    )
                )
    return found
