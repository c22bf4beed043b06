"""Command `facts`: facts that the built-in mini models learned.

Tested in tests/commands/test_facts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.commands.opening import open_studio
from e2lm_core.commands.options import Json
from e2lm_core.commands.output import print_table

if TYPE_CHECKING:
    from e2lm_core.checkpoints.ladder.fact_search import FactIndex
    from e2lm_core.checkpoints.ladder.training_facts import TrainingFact

COLUMNS = ("subject", "topic", "answer", "question")


def facts(
    words: Annotated[
        list[str] | None,
        Argument(metavar="[WORDS]...", help="Words that a fact must have, or their beginnings."),
    ] = None,
    topic: Annotated[
        str | None, Option("--topic", metavar="TOPIC", help="One topic, such as 'food of animals'.")
    ] = None,
    field: Annotated[
        str | None, Option("--field", metavar="FIELD", help="One field, such as biology.")
    ] = None,
    nearest: Annotated[
        str | None, Option("--nearest", metavar="TEXT", help="The fact nearest to a question of this text.")
    ] = None,
    answer: Annotated[
        str, Option("--answer", metavar="TEXT", help="The right answer of the question of --nearest.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Facts that the built-in mini models learned, each with a question about it."""
    from e2lm_core.checkpoints.ladder.fact_search import open_index

    index = open_index(open_studio().catalogue.taught_file)
    if index is None:
        raise StudioError("There is no list of facts: get the files of the built-in mini models again.")
    if nearest is not None:
        found = index.fact_for(nearest, answer)
        rows = [_row(index, found.fact)] if found.fact else []
        document: dict[str, Any] = {"known": found.known, "nearest": rows[0] if rows else None}
        note = "This fact answers the question." if found.known else "The mini models do not know the answer."
        print_table(as_json, document, rows, COLUMNS, empty="No fact shares a word with it.", notes=[note])
        return
    relation = None
    if topic is not None:
        topics = {one.about: one.name for one in index.facts.relations.values()}
        if topic not in topics:
            raise StudioError(
                f"{quote(topic)} is no topic: use one of {formatting.join_words(sorted(topics))}."
            )
        relation = topics[topic]
    fields = sorted({one.field for one in index.facts.relations.values()})
    if field is not None and field not in fields:
        raise StudioError(f"{quote(field)} is no field: use {formatting.join_words(fields)}.")
    rows = [_row(index, fact) for fact in index.find(" ".join(words or ()), relation, field)]
    print_table(as_json, {"facts": rows}, rows, COLUMNS, empty="No fact has these words.")


def _row(index: FactIndex, fact: TrainingFact) -> dict[str, Any]:
    made = index.question_about(fact)
    return {
        "subject": fact.subject,
        "topic": index.about(fact),
        "answer": fact.answer,
        "question": made.question,
        "choices": list(made.choices),
        "gold": made.answer,
        "field": made.subject,
    }
