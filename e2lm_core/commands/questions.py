"""Commands `questions`, `suspects`, `problems`, `choose` and `relevance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base import formatting, json_values
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.commands.opening import (
    LoadedSet,
    lacking_sentence,
    open_measured,
    open_stored,
    require_metrics,
)
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Task
from e2lm_core.commands.output import cell, goes_to_stdout, print_table, prints_data, to_stdout
from e2lm_core.commands.progress import progress_bar
from e2lm_core.commands.runs import run_evaluation

if TYPE_CHECKING:
    from e2lm_core.analysis.questions.pool import Pool
    from e2lm_core.analysis.questions.suspects.records import Suspect

Relevance = Annotated[
    bool, Option("--relevance", help="Embed the questions as well, for the column relevance.")
]
TEXTS_AT_ONCE = 64  # embedded between two steps of the bar
SHOWN = ("id", "slope", "acc", "margin", "discrimination", "contrast", "length", "question")
OF_MANY = (*SHOWN[:5], "biserial", "tetrachoric", *SHOWN[5:])  # where there are enough models


def questions(
    task: Task,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    where: Annotated[
        str | None, Option("--where", metavar="RULE", help="Only questions such as 'slope > 0'.")
    ] = None,
    relevance: Relevance = False,
    as_json: Json = False,
) -> None:
    """One row a question: slope, final acc and margin, discrimination, item-rest correlations, traits of its text."""
    from e2lm_core.analysis import reasons
    from e2lm_core.analysis.questions import item_correlations, messages, rule_text
    from e2lm_core.analysis.questions import pool as pools

    opened = open_measured(task, checkpoints, num_fewshot, partly=True, fleet=fleet)
    pool = measured_pool(opened, relevance)
    frame = pools.question_frame(pool, opened.task)
    if where is not None:
        frame = frame[pools.matching_questions(pool, rule_text.parse_rule(where))]
    rows = json_values.frame_to_records(frame)
    reliability = pools.reliability(pool, opened.measured)
    document = {
        "task": opened.task.name,
        "models": [model.name for model in pool.models],
        "incomplete": pool.incomplete,
        "undefined": pools.undefined_reasons(pool),
        "reliability": reliability.model_dump(),
        "questions": rows,
    }
    shown = OF_MANY if len(pool.models) >= item_correlations.MIN_MODELS else SHOWN
    undefined = reasons.undefined_columns(frame[list(shown)], pools.undefined_reasons(pool))
    notes = [*reasons.undefined_notes(undefined), messages.reliability_sentence(reliability)]
    if pool.incomplete:
        notes.append(f"Left out, as results are missing: {formatting.count(pool.incomplete, 'question')}.")
    print_table(as_json, document, rows, shown, about=opened.measured, notes=notes, fleet=opened.fleet)


def suspects(
    task: Task,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    control: Annotated[
        bool,
        Option(
            "--control",
            help="Run each model's last checkpoint under other questions' prompts and other wordings, where it was not.",
        ),
    ] = False,
    every_checkpoint: Annotated[
        bool, Option("--every-checkpoint", help="With --control: run all checkpoints, for curves.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the questions to look at: doubted keys, two right answers, alike or dead ones, giveaways, and why."""
    from e2lm_core.analysis.questions.suspects import conditions, messages
    from e2lm_core.base.errors import StudioError
    from e2lm_core.runs.checkpoint_order import last_of_each
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.sets.prompts.wrong_question_control import control_set

    if every_checkpoint and not control:
        raise StudioError("--every-checkpoint says where the control is run: give it with --control.")
    studio, question_set, measured, of = open_measured(task, checkpoints, num_fewshot, fleet=fleet)
    unread = control_set(question_set)
    every = [c for curve in measured.curves for c in curve.checkpoints]
    ends = last_of_each(every)
    if control:
        run_evaluation(studio, unread, every if every_checkpoint else ends, of.num_fewshot)
    of_control = load_measurements(studio, unread, ends, of.num_fewshot, facts=False)
    curves = (
        conditions.condition_curves(
            measured, load_measurements(studio, unread, every, of.num_fewshot, facts=False)
        )
        if every_checkpoint
        else ()
    )
    found, controlled = messages.all_suspects(measured, of_control)
    rows = json_values.frame_to_records(messages.suspect_frame(found, question_set.questions))
    document: dict[str, Any] = {
        "task": question_set.name,
        "finding": messages.headline(found).replace("**", ""),
        "knowledge": found.knowledge,
        "expected_false": found.expected_false,
        "shifted": found.shifted,
        "suspects": rows,
        "control": messages.control_document(controlled, curves),
    }
    notes = [document["finding"]]
    if controlled is None:
        notes.append(f"{messages.NO_CONTROL}: suspects {task} --control runs it.")
    print_table(as_json, document, rows, messages.SHOWN, about=measured, notes=notes, fleet=of)
    if controlled is not None and not as_json and not prints_data():
        said = [messages.control_sentence(controlled), *messages.wording_sentences(controlled)]
        of_models = json_values.frame_to_records(messages.control_frame(controlled))
        print_table(False, {}, of_models)
        of_conditions = json_values.frame_to_records(messages.condition_frame(controlled))
        print_table(False, {}, of_conditions, notes=[sentence.replace("**", "") for sentence in said])


def problems(
    task: Task,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    ignored: Annotated[
        bool, Option("--ignored", help="List those as well that were ignored on the page Problems.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List all problems of a set, gravest first: checks, questions to check, questions that hurt the ranking."""
    from e2lm_core.analysis import validity
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.questions import problems as question_problems
    from e2lm_core.analysis.questions.suspects.messages import all_suspects
    from e2lm_core.export.submission import check_findings
    from e2lm_core.runs.checkpoint_order import last_of_each
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.sets.editing import ignored_problems
    from e2lm_core.sets.prompts.wrong_question_control import control_set

    loaded = open_stored(task, checkpoints, num_fewshot, fleet=fleet)
    studio, question_set, measured, of = loaded
    has_results = bool(question_set.questions and measured.complete_pairs)
    suspects: tuple[Suspect, ...] = ()
    if has_results:
        ends = last_of_each([c for curve in measured.curves for c in curve.checkpoints])
        unread = load_measurements(studio, control_set(question_set), ends, of.num_fewshot, facts=False)
        suspects = all_suspects(measured, unread)[0].listed
    influence = None
    lacking: str | None = None if has_results else question_problems.CHECKS_ALONE
    if has_results and not measured.complete_checkpoints:
        lacking = lacking_sentence(loaded, task)
    elif has_results:
        answers = Answers(measured)
        silent = validity.no_ranking_advice_reason(measured, answers.scores("acc"))
        influence = None if silent else answers.question_influence("acc")
    found = question_problems.list_problems(
        question_set.questions,
        check_findings(studio, question_set),
        suspects,
        question_problems.hurting_questions(influence, measured.question_ids),
    )
    gone = set(ignored_problems.ignored_problems(studio.settings, task))
    left = [one for one in found if one.key not in gone]
    by_id = {question.id: question for question in question_set.questions}
    rows = [
        {
            "id": one.question_id,
            "problem": one.title,
            "reason": one.reason,
            "question": by_id[one.question_id].question if one.question_id else None,
            "choices": question_problems.lettered_choices(by_id[one.question_id])
            if one.question_id
            else None,
            "ignored": one.key in gone,
        }
        for one in (found if ignored else left)
    ]
    finding = question_problems.headline(left, len(found) - len(left)).replace("**", "")
    document = {"task": question_set.name, "finding": finding, "lacking": lacking, "problems": rows}
    shown = ("id", "problem", "reason", "question")
    about = measured if has_results else None
    print_table(as_json, document, rows, shown, about=about, notes=[finding, lacking], fleet=of)


def choose(
    task: Task,
    rule: Annotated[
        str,
        Option(
            "--rule",
            metavar="RULE",
            help="easiest-half, rising-hard-science, one-source, snr-greedy, or your own: 'margin > 0 and slope > 0'.",
        ),
    ],
    metric: Annotated[str, Option("--metric", help="acc, acc_norm, margin, norm_prob or bpb.")] = "acc",
    source: Annotated[str | None, Option("--source", help="For one-source: use this source.")] = None,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    relevance: Relevance = False,
    out: Annotated[
        str | None,
        Option(
            "--out",
            metavar="NAME",
            help="Copy the set with the chosen questions; - prints them as JSONL instead.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose questions by a rule; its gain on models not used for choosing, beside that under random answer keys."""
    from e2lm_core.analysis import validity
    from e2lm_core.analysis.questions import messages, selection, selection_null
    from e2lm_core.runs import fleets
    from e2lm_core.sets import authoring, selection_origin
    from e2lm_core.sets.editing import rule_trials
    from e2lm_core.sets.formats import writing

    piped = goes_to_stdout(out, as_json)
    require_metrics([metric], ", ".join(METRICS))
    opened = studio, question_set, measured, _ = open_measured(
        task, checkpoints, num_fewshot, partly=True, fleet=fleet
    )
    pool = measured_pool(opened, relevance)
    silent = validity.no_advice_reason(measured, validity.scores_with_null(measured, metric))
    resolved = selection.resolve_rule(pool, rule, source)  # a rule that cannot be read counts as no trial
    is_trial = out is not None or not silent  # its gain is told, or its questions are kept
    number = rule_trials.record_trial if is_trial else rule_trials.next_trial_number
    place = number(
        *(studio.settings, question_set.address, (rule, metric, source), question_set),
        [model.name for model in pool.models],
    )
    chosen = selection.select_questions(
        pool, rule, metric, source, no_advice_reason=silent, trial_number=place
    )
    read = pool.models if selection.reads_models(resolved) else ()
    origin = selection_origin.origin_of_selection(question_set, rule, source, read, place)
    if piped:
        wanted = set(chosen.ids)
        kept = [q for q in question_set.questions if q.id in wanted]
        to_stdout(writing.write_questions(writing.add_origin(kept, origin, "jsonl"), "jsonl"))
        return
    draws, quick = selection_null.required_draws(place), selection_null.estimated_seconds(pool, chosen) < 1
    with progress_bar("choosing under random answer keys", draws, hidden=quick) as advance:
        chosen = selection_null.with_null(
            chosen, pool, measured, resolved, progress=lambda by: advance("", by)
        )
    warnings = messages.selection_warnings(chosen)
    notes = [messages.selection_headline(chosen, len(pool.ids)), *warnings]
    if out is not None:
        made_by = selection_origin.origin_metadata(origin)
        authoring.copy_with_questions(studio.settings, task, out, chosen.ids, made_by)
        fleets.copy_choice(studio.settings, task, out)
        notes.append(f"The set {out} was made, with {formatting.count(len(chosen.ids), 'question')}.")
    document = selection.selection_document(chosen, pool)
    document |= {"warning": " ".join(warnings) or None, "out": out}
    print_table(
        as_json,
        document,
        selection.fold_table(chosen),
        about=measured,
        empty="",
        notes=notes,
        fleet=opened.fleet,
    )


def measured_pool(opened: LoadedSet, relevance: bool) -> Pool:
    """The set's questions with their results, and with their relevance if wanted."""
    from e2lm_core.analysis.questions.pool import build_pool
    from e2lm_core.checkpoints.ladder.training_facts import known_answers
    from e2lm_core.relevance.judge import judge_relevance

    studio, task, measured, _ = opened
    probability = judge_relevance(studio.settings, task.questions).probability if relevance else None
    return build_pool(measured, task, known_answers(studio.catalogue.taught_file, task), probability)


def relevance(
    task: Annotated[
        str, Argument(metavar="TASK_OR_JSONL", help="A set, its folder, or a JSONL file of questions.")
    ],
    embedder: Annotated[
        str | None,
        Option(
            "--embedder",
            metavar="NAME",
            help="words, all-mpnet-base-v2, all-MiniLM-L6-v2, universal-sentence-encoder, a folder, or the name of a "
            "sentence-transformers model (default: E2LM_EMBEDDER, else the last two of these names together).",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Probability that the competition's rubric accepts each question as science, and its nearest exemplars."""
    from e2lm_core.relevance import judge

    settings = Settings.from_env()
    questions = judge.read_questions(settings, task)
    texts = judge.missing_texts(settings, questions, embedder)
    with progress_bar("embedding", len(texts), hidden=not texts) as advance:
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            some = texts[start : start + TEXTS_AT_ONCE]
            judge.embed(settings, some, embedder)
            advance("", len(some))
    document = judge.assess(settings, questions, embedder)
    accepted = (
        f"accepted: {cell(document['accepted_share'])} of {len(questions)}, by question and right answer; "
        f"{cell(document['whole_accepted_share'])} with all choices"
    )
    print_table(as_json, document, [_row(one) for one in document["questions"]], notes=[accepted])


def _row(judged: dict[str, Any]) -> dict[str, Any]:
    """Row of a question, with its nearest labelled example."""
    first = next(iter(judged["nearest"]), None)
    said = f"{'accepted' if first['accepted'] else 'rejected'}: {first['question']}" if first else None
    return {
        **{key: judged[key] for key in ("id", "probability", "whole_probability", "field")},
        "nearest": said,
    }
