"""Commands `judgements` and `question judge`: judgements of people and models from outside the studio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import count
from e2lm_core.base.json_values import frame_to_records
from e2lm_core.base.judgements import VALUES, What
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.commands.opening import open_fleet, open_studio
from e2lm_core.commands.options import Json, Mine, Task
from e2lm_core.commands.output import Share, print_result, print_table, prints_data, read_file, warn
from e2lm_core.commands.sets.bulk_edit import app

if TYPE_CHECKING:
    import pandas as pd

    from e2lm_core.analysis.questions.agreement import Judged
    from e2lm_core.runs.studio import Studio

SHOWN = ("id", "scientific", "answer key", "difficulty", "review", "disagree", "question")


def judgements(
    task: Task,
    file: Annotated[
        Path | None,
        Option("--import", metavar="FILE", help="Judgements of a model: id, judge, what, value, comment."),
    ] = None,
    disagree: Annotated[bool, Option("--disagree", help="Only questions on which judges disagree.")] = False,
    relevance: Annotated[
        bool, Option("--relevance", help="Embed the questions, and compare judges with relevance.")
    ] = False,
    remove: Annotated[
        str | None, Option("--remove", metavar="JUDGE", help="Remove all judgements of a judge model.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List what people and models from outside say of each question, and how far they agree."""
    from e2lm_core.analysis.questions import agreement, judge_messages
    from e2lm_core.sets import collection
    from e2lm_core.sets.editing import judgements as service

    studio = open_studio()
    settings = studio.settings
    imported: int | None = None
    refused: tuple[str, ...] = ()
    if file is not None:
        data = read_file(file, settings.limits.max_file_bytes)
        taken = service.import_judgements(settings, task, data, file.name)
        imported, refused = taken.judgements, taken.refused
        if not as_json:
            warn(*refused)
    if remove is not None:
        service.remove_judge(settings, task, remove, "model")
    opened = collection.open_set(settings, task)
    judged = agreement.collect_judgements(opened.questions)
    frame = judge_messages.judgement_frame(opened.questions, judged)
    has_any = frame[["scientific", "answer key", "difficulty", "review"]].astype(bool).any(axis=1)
    rows = frame_to_records(frame[frame["disagree"] if disagree else has_any])
    compared = frame_to_records(_compared(studio, task, opened, judged, relevance))
    document: dict[str, Any] = {
        "task": opened.address,
        **(
            judge_messages.judgement_document(opened.questions)
            or {"sentence": judge_messages.headline(judged, len(opened.questions)).replace("**", "")}
        ),
        "imported": imported,
        "refused": list(refused),
        "rows": rows,
        "compared": compared,
    }
    notes = [document["sentence"]]
    if imported is not None:
        notes.insert(0, f"Imported {count(imported, 'judgement')}; `undo {opened.address}` takes them back.")
    empty = (
        ""
        if judged.judges
        else "A judge's file is imported by --import; people judge in the browser or by `question judge`."
    )
    print_table(as_json, document, rows, SHOWN, empty=empty, notes=notes)
    if compared and not as_json and not prints_data():
        shown = [row | {"equal": None if row["equal"] is None else Share(row["equal"])} for row in compared]
        print_table(False, {}, shown)


def _compared(studio: Studio, name: str, task: TaskSet, judged: Judged, with_relevance: bool) -> pd.DataFrame:
    """Table of the judges' agreement with each other, with suspects and, if wanted, with relevance."""
    from e2lm_core.analysis.questions import agreement, judge_messages
    from e2lm_core.analysis.questions.suspects.keys import find_doubtful_keys
    from e2lm_core.relevance.classifier import ACCEPT_AT
    from e2lm_core.relevance.judge import judge_relevance
    from e2lm_core.runs.store.control_results import load_judged

    if not judged.judges:
        return judge_messages.agreement_frame(judged)
    probability = judge_relevance(studio.settings, task.questions).probability if with_relevance else None
    measured = load_judged(studio, task, *open_fleet(studio, name).run_arguments)
    found = find_doubtful_keys(measured)
    told = measured.told if measured.taught_of_all else None
    return judge_messages.agreement_frame(
        judged,
        None if probability is None else agreement.relevance_verdicts(probability, ACCEPT_AT),
        agreement.suspect_verdicts(found, measured.question_ids, told),
        found.why,
    )


@app.command("judge")
def judge(
    task: Mine,
    ids: Annotated[list[str], Argument(metavar="ID", help="The questions' ids.")],
    scientific: Annotated[str | None, Option("--scientific", help="yes or no.")] = None,
    key: Annotated[str | None, Option("--key", help="Whether the answer key is right or wrong.")] = None,
    difficulty: Annotated[str | None, Option("--difficulty", help="1 (easy) to 5.")] = None,
    review: Annotated[str | None, Option("--review", help="asked, accepted or 'sent back'.")] = None,
    comment: Annotated[str, Option("--comment", help="A comment beside it.")] = "",
    by: Annotated[
        str, Option("--by", metavar="NAME", help="Your name; where people sign in it is theirs.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Judge questions as a person; "" as a value withdraws what that person said."""
    from e2lm_core.sets.editing import judgements as service

    given = {"scientific": scientific, "key": key, "difficulty": difficulty, "review": review}
    values: dict[What, str] = {what: given[what] for what in VALUES if given[what] is not None}  # type: ignore[misc]
    if not values:
        raise StudioError("Nothing is judged: give --scientific, --key, --difficulty or --review.")
    after = service.judge_questions(Settings.from_env(), task, ids, values, comment, by)
    print_result(
        as_json,
        {"task": after.address, "ids": list(dict.fromkeys(ids)), "values": dict(values)},
        f"Judged {count(len(set(ids)), 'question')}; `undo {after.address}` takes it back.",
    )
