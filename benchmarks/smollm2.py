"""One real model on thirty plain school questions: accuracy, guessing test, letters, and what it costs.

    python -m benchmarks.smollm2

Unpacks SmolLM2-135M-Instruct from its package into a temporary home and runs the questions on it three times: choices
as answers, under other questions' prompts, and as A-D letters. Prints JSON: accuracies with their 95% intervals,
seconds of the processor, memory, bytes on the disk, and the worst difference in nats from what transformers gives
for the package's own GGUF file in float32, with the bound that it has to keep.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.parity.parity import bound
from e2lm_core.analysis.questions.suspects.wrong_question_control import evaluate_control
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.records import PromptStyle, Question, Request, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.fleets import find_fleet, open_fleet
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.store.requests import requests_of
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty.means.proportions import wilson
from e2lm_core.sets.collection import create_set
from e2lm_core.sets.prompts.layouts import layout_templates
from e2lm_core.sets.prompts.render import render_set
from e2lm_core.sets.prompts.wrong_question_control import control_set

# The right answer first; `thirty` turns the choices so that it goes round.
SCHOOL: tuple[tuple[str, tuple[str, str, str, str]], ...] = (
    ("Which organ pumps blood through the body?", ("the heart", "the liver", "the lungs", "the stomach")),
    ("Which planet do we live on?", ("Earth", "Mars", "Venus", "Saturn")),
    ("Which gas do people need to breathe?", ("oxygen", "helium", "hydrogen", "neon")),
    ("What do bees make?", ("honey", "milk", "silk", "wool")),
    ("How many legs does a spider have?", ("eight", "six", "four", "ten")),
    ("What is frozen water called?", ("ice", "steam", "sand", "glass")),
    ("Which animal barks?", ("a dog", "a cat", "a horse", "a duck")),
    ("What is the capital of France?", ("Paris", "Rome", "Madrid", "Berlin")),
    ("Which season comes after winter?", ("spring", "autumn", "summer", "harvest")),
    ("What do plants need from the sun?", ("light", "salt", "wind", "sound")),
    ("Which metal is attracted by a magnet?", ("iron", "gold", "copper", "silver")),
    ("What is the young of a cat called?", ("a kitten", "a puppy", "a calf", "a lamb")),
    ("Which is the largest ocean?", ("the Pacific", "the Atlantic", "the Arctic", "the Indian Ocean")),
    ("How many days are in a week?", ("seven", "five", "twelve", "ten")),
    (
        "Which part of a plant takes up water from the soil?",
        ("the roots", "the flowers", "the leaves", "the seeds"),
    ),
    (
        "What do we call a scientist who studies the stars?",
        ("an astronomer", "a geologist", "a chemist", "a biologist"),
    ),
    ("Which force pulls objects towards the ground?", ("gravity", "magnetism", "friction", "electricity")),
    ("Which instrument measures temperature?", ("a thermometer", "a barometer", "a ruler", "a clock")),
    ("What do caterpillars turn into?", ("butterflies", "spiders", "worms", "bees")),
    ("What is the hardest natural material?", ("diamond", "chalk", "wood", "iron")),
    ("Which sense do we use our ears for?", ("hearing", "sight", "taste", "smell")),
    ("Where do fish breathe?", ("through gills", "through lungs", "through leaves", "through feathers")),
    ("What colour do you get by mixing blue and yellow?", ("green", "purple", "orange", "brown")),
    ("Which of these is a mammal?", ("a whale", "a shark", "a frog", "a parrot")),
    ("What moves around the Earth?", ("the Moon", "the Sun", "Mars", "Jupiter")),
    ("Which bone protects the brain?", ("the skull", "the rib", "the spine", "the hip")),
    ("What is the main language of Brazil?", ("Portuguese", "Spanish", "English", "Italian")),
    ("Which fuel is made from wood by burning it slowly?", ("charcoal", "petrol", "natural gas", "uranium")),
    ("What falls from clouds when it is very cold?", ("snow", "dust", "ash", "sand")),
    ("Who wrote Romeo and Juliet?", ("William Shakespeare", "Charles Dickens", "Mark Twain", "Jane Austen")),
)


def thirty() -> list[Question]:
    """The questions, with the right answer at A, B, C and D in turn."""
    questions = []
    for number, (text, choices) in enumerate(SCHOOL):
        turn = number % 4
        turned = choices[4 - turn :] + choices[: 4 - turn]
        questions.append(Question(id=f"school{number + 1}", question=text, choices=turned, answer=turn))
    return questions


def main() -> None:
    """Measure everything and print it as JSON."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), device="cpu")
        found: dict[str, Any] = {}
        with _timed(found, "unpacking"):
            folder = smollm2.unpack_model(settings)
        found["bytes"] = folder_bytes([folder])
        found["memory_unpacking"] = _peak_bytes()
        studio = open_studio(settings)
        cloze = create_set(settings, "thirty", thirty())
        letters = cloze.model_copy(
            update={"config": cloze.config.model_copy(update=layout_templates(PromptStyle.LETTERS))}
        )
        for name, task in (("cloze", cloze), ("control", control_set(cloze)), ("letters", letters)):
            with _timed(found, name):
                measured = _measured(studio, task)
            if name != "control":
                found[f"{name}_acc"] = _share(measured, measured.values(smollm2.NAME, "acc")[0])
            else:
                control = evaluate_control(_measured(studio, cloze), measured)
                assert control is not None
                assert control.others is not None
                found["others_prompts"] = _share(measured, control.others, len(cloze.questions))
                found["no_question"] = _share(measured, control.models[0].blank, len(cloze.questions))
        found["memory"] = _peak_bytes()
        ours = _measured(studio, cloze).curves[0].ll[0].ravel()
        theirs = gguf_scores([request for doc in render_set(cloze) for request in requests_of(doc)])
        pairs = list(zip(ours, theirs, strict=True))
        found["worst_nats"] = max(abs(mine - other) for mine, other in pairs)
        found["of_bound"] = max(abs(mine - other) / bound(other) for mine, other in pairs)
        studio.store.database.close()
    print(json.dumps(found, indent=1))


class _timed:
    """Put the seconds of the clock and of the processor that a block takes under a name."""

    def __init__(self, found: dict[str, Any], name: str) -> None:
        self.found, self.name = found, name

    def __enter__(self) -> None:
        self.began = time.monotonic(), time.process_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.monotonic() - self.began[0], time.process_time() - self.began[1]
        self.found[f"{self.name}_seconds"] = {"clock": round(wall, 1), "processor": round(cpu, 1)}


def _measured(studio: Studio, task: TaskSet) -> Measurements:
    checkpoints = open_fleet(studio, find_fleet(studio, smollm2.NAME)).checkpoints
    evaluate(studio, task, checkpoints)
    return load_measurements(studio, task, checkpoints)


def _share(measured: Measurements, share: float, number: int | None = None) -> dict[str, Any]:
    low, high = wilson(share, number or len(measured.question_ids), 1.96)
    return {"value": round(float(share), 3), "interval": [round(float(low), 3), round(float(high), 3)]}


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def gguf_scores(requests: Sequence[Request]) -> list[float]:
    """Log-likelihoods in nats as transformers reads and scores the package's own file, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = Path(str(metadata.distribution(smollm2.PACKAGE).locate_file(smollm2.WEIGHTS)))
    model: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    scores = []
    for context, continuation in requests:
        begun, tokens = (tokenizer(text)["input_ids"] for text in (context, context + continuation))
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0, len(begun) - 1 : -1].log_softmax(-1)
        scores.append(float(logits.gather(1, torch.tensor(tokens[len(begun) :])[:, None]).sum()))
    return scores


if __name__ == "__main__":
    main()
