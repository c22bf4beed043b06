"""Command `plan`."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import RC_READINGS
from e2lm_core.commands.opening import open_fleet, open_studio, require_reading
from e2lm_core.commands.options import Checkpoints, Fewshot, Json, Metric, NoTrainingNoise, Rc, Task
from e2lm_core.commands.output import print_table

# Options that only some of --width, --power and --workers read.
_GO_WITH = {
    "--tokens": ("--power",),
    "--difference": ("--power",),
    "--no-training-noise": ("--power",),
    "--questions": ("--power", "--workers"),
    "--of": ("--width",),
    "--model": ("--width", "--power"),
    "--metric": ("--width", "--power"),
    "--rc": ("--width", "--power"),
    "--fleet": ("--width", "--workers"),
    "--pace": ("--width", "--workers"),
    "--price": ("--workers",),
    "--start": ("--workers",),
}


def plan(
    task: Task,
    width: Annotated[
        float | None, Option("--width", metavar="W", help="Target width of the 95% interval.")
    ] = None,
    power: Annotated[
        bool,
        Option(
            "--power",
            help="Which of two models is ahead, and the power to show it, in place of an interval's width.",
        ),
    ] = False,
    tokens: Annotated[
        float | None,
        Option("--tokens", metavar="T", help="With --power: the checkpoint with about so many tokens seen."),
    ] = None,
    questions: Annotated[
        int | None, Option("--questions", metavar="N", help="With --power or --workers: of a set of so many.")
    ] = None,
    difference: Annotated[
        float | None,
        Option(
            "--difference",
            metavar="D",
            help="With --power: plan for this difference, in the metric's unit, in place of the measured one.",
        ),
    ] = None,
    of: Annotated[
        str, Option("--of", help="mean, difference, sq, rc, cs, score or decision_accuracy.")
    ] = "sq",
    metric: Metric = "acc",
    rc: Rc = RC_READINGS[0],
    models: Annotated[
        list[str] | None,
        Option("--model", help="One model for a mean, two for a difference (default: the nearest two)."),
    ] = None,
    fleet: Annotated[
        str | None,
        Option("--fleet", metavar="NAME", help="Time another model group: one of yours, or e2lm or pythia."),
    ] = None,
    pace: Annotated[
        float | None,
        Option("--pace", metavar="SECONDS", help="Seconds a question on one checkpoint, for another device."),
    ] = None,
    workers: Annotated[
        int | None,
        Option(
            "--workers",
            metavar="N",
            help="The time of the model group on so many cores or GPUs, in place of a width.",
        ),
    ] = None,
    price: Annotated[
        float | None, Option("--price", metavar="P", help="With --workers: what one of them costs an hour.")
    ] = None,
    start: Annotated[
        float, Option("--start", metavar="SECONDS", help="With --workers: until one is up (0).")
    ] = 0.0,
    no_training_noise: NoTrainingNoise = False,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Number of questions for an interval's width or a difference of two models, and a fleet's time."""
    import pandas as pd

    from e2lm_core.analysis import leads, reasons, validity
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.plan import messages
    from e2lm_core.analysis.plan.plan import Goal
    from e2lm_core.analysis.plan.power import compute_power
    from e2lm_core.runs import state
    from e2lm_core.runs.messages.fleets import fleet_sentence
    from e2lm_core.runs.store import control_results
    from e2lm_core.sets import collection

    if (width is not None) + power + (workers is not None) != 1:
        raise StudioError(
            "Say what to plan for: either --width W, the width of an interval, or --power, or --workers N."
        )
    given = {
        "--tokens": tokens is not None,
        "--difference": difference is not None,
        "--no-training-noise": no_training_noise,
        "--questions": questions is not None,
        "--of": of != "sq",
        "--model": bool(models),
        "--metric": metric != "acc",
        "--rc": rc != RC_READINGS[0],
        "--fleet": fleet is not None,
        "--pace": pace is not None,
        "--price": price is not None,
        "--start": start != 0,
    }
    mode = "--power" if power else "--width" if workers is None else "--workers"
    for option, modes in _GO_WITH.items():
        if given[option] and mode not in modes:
            raise StudioError(
                f"{option} goes with {' or '.join(modes)} and means nothing with {mode}: leave it out."
            )
    if models and width is not None and of not in ("mean", "difference"):
        raise StudioError("--model goes with --power, or with --of mean or difference: leave it out.")
    require_reading(rc)
    studio = open_studio()
    question_set = collection.open_set(studio.settings, task)
    own = open_fleet(studio, task, checkpoints, num_fewshot=num_fewshot)
    chosen, num_fewshot = own.run_arguments
    if workers is not None:
        asked = len(question_set.questions) if questions is None else questions
        numbers = sorted({workers, *(2**k for k in range(14) if 2**k < 2 * workers)})
        found = state.schedules_for(studio, chosen, num_fewshot, asked, numbers, fleet, pace, price, start)
        number = (
            sum(p.checkpoints for p in state.planned_fleet(studio, fleet))
            if fleet is not None
            else len(chosen)
        )
        document = messages.schedule_document(found, workers, asked, number)
        columns = ("workers", "hours", "cost", "busy")
        frame = pd.DataFrame(document["schedules"])
        undefined = reasons.undefined_columns(frame, messages.schedule_reasons())
        said = [*reasons.undefined_notes(undefined), document["finding"]]
        print_table(as_json, document, document["schedules"], columns, notes=said, fleet=own)
        return
    measured = control_results.load_judged(studio, question_set, chosen, num_fewshot)
    if measured.complete_pairs and (
        silent := validity.no_advice_reason(measured, validity.scores_with_null(measured, metric, rc))
    ):
        timed = " --fleet only times another group: choose one by --checkpoints or `fleet use`."
        raise StudioError(f"{silent} {fleet_sentence(own)}{'' if fleet is None else timed}")
    names = tuple(models or ())
    why: dict[str, str | None] = {}
    notes: list[str] = []
    if width is None:
        noise = not no_training_noise
        told = compute_power(measured, metric, names, tokens, questions, difference, noise)
        document = messages.power_document(told)
        if answer := Answers(measured).pair(metric, told.first, told.second, noise):
            document["pair"] = answer.model_dump(mode="json")
            notes = [sentence.replace("**", "") for sentence in leads.pair_sentences(measured, answer)]
    else:
        goal = Goal(of, metric, width, names, rc)
        planned = state.plan_for(studio, measured, chosen, num_fewshot, goal, fleet, pace)
        document, why = messages.plan_document(planned), messages.size_reasons(planned)
    undefined = reasons.undefined_columns(pd.DataFrame(document["sizes"]), why)
    notes = [*reasons.undefined_notes(undefined), *notes, document["finding"]]
    print_table(as_json, document, document["sizes"], about=measured, notes=notes, fleet=own)
