"""Origin of a set made by a selection rule, kept in the set's metadata.

Copies, bundles and versions carry the metadata, so the origin goes with them; files of questions alone carry it in
a column of that name. A set that no rule made has no such key, and its files stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ORIGIN_KEY, ModelInfo, SelectionOrigin, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.base.untrusted import safejson
from e2lm_core.sets import collection, versions

MAX_NAMES = 24  # of more models, number and digest are kept
LOCAL = "local"  # family of all folders of one's own, which need not share their text


def origin_of_selection(
    parent: TaskSet, rule: str, source: str | None, models: Sequence[ModelInfo], trial: int | None = None
) -> SelectionOrigin:
    """Origin of the questions that a rule chooses of a set.

    Args:
        parent: The set that the rule chooses of.
        rule: Name or text of the rule.
        source: Source that the rule was told to choose, None for none.
        models: Models whose results the rule reads; empty for a rule that reads the questions alone.
        trial: Number of the choice among those tried on these questions (`rule_trials.record_trial`).
    """
    names = tuple(sorted(model.name for model in models))
    return SelectionOrigin(
        rule=rule,
        source=source,
        parent=parent.address,
        parent_digest=parent.questions_digest,
        models=names if len(names) <= MAX_NAMES else (),
        model_count=len(names),
        models_digest=models_digest(names) if len(names) > MAX_NAMES else None,
        families=tuple(sorted({model.family for model in models} - {LOCAL})),
        earlier=origin_of_set(parent),
        trial=trial,
    )


def origin_metadata(origin: SelectionOrigin) -> dict[str, Any]:
    """Entry of a set's metadata that holds its origin."""
    return {ORIGIN_KEY: origin.model_dump(mode="json", exclude_none=True)}


def lift_origin(task: TaskSet) -> TaskSet:
    """Move the origin that a file's column gives to each question into the set's metadata.

    The column holds the same for all questions of a file that the studio wrote; of several origins the first is
    taken. A column of that name with anything else stays with the questions.
    """
    found = next((one for q in task.questions if (one := _read(q.extra.get(ORIGIN_KEY))) is not None), None)
    if found is None:
        return task
    questions = tuple(
        q.model_copy(update={"extra": {name: value for name, value in q.extra.items() if name != ORIGIN_KEY}})
        for q in task.questions
    )
    metadata = {**task.config.metadata, **origin_metadata(found)}
    config = task.config.model_copy(update={"metadata": metadata})
    return task.model_copy(update={"config": config, "questions": questions})


def _read(value: Any) -> SelectionOrigin | None:
    try:
        if isinstance(value, str):
            value = safejson.loads(value)
        return SelectionOrigin.model_validate(value)
    except ValueError:  # text that is no JSON, and what is no origin
        return None


def origin_of_set(task: TaskSet) -> SelectionOrigin | None:
    """Origin of a set made by a rule; None for others, and for a copy that holds all questions again."""
    origin = task.config.chosen_by
    if origin is not None and task.questions_digest == origin.parent_digest:
        return origin.earlier
    return origin


def parent_of_selection(settings: Settings, task: TaskSet) -> TaskSet:
    """Set that a rule chose a set's questions of, as it was then.

    Looks at the set of that name, and at the first version of the chosen set, which holds all of them.

    Args:
        settings: The caller's settings.
        task: A set with an origin.

    Raises:
        StudioError: The set has no origin, or its parent is not here as it was.
    """
    origin = origin_of_set(task)
    if origin is None:
        raise StudioError(
            Sentence(
                "{name} was not made by a rule, so there is no rule to draw a null through.", name=task.name
            )
        )
    for read in (_named, _first_version):
        try:
            parent = read(settings, task, origin)
        except StudioError:
            continue
        if parent is not None and parent.questions_digest == origin.parent_digest:
            return parent
    raise StudioError(
        Sentence(
            "{name}, of which the rule chose these questions, is not here as it was then: import it under that name "
            "to draw the null through the rule.",
            name=origin.parent,
        )
    )


def first_parent(settings: Settings, task: TaskSet, rules: int) -> TaskSet:
    """Set that the first of the last `rules` rules chose of; see `parent_of_selection`, also for its errors."""
    for _ in range(rules):
        task = parent_of_selection(settings, task)
    return task


def _named(settings: Settings, task: TaskSet, origin: SelectionOrigin) -> TaskSet:
    return collection.open_set(settings, origin.parent)


def _first_version(settings: Settings, task: TaskSet, origin: SelectionOrigin) -> TaskSet | None:
    kept = versions.list_versions(settings, task.address)
    return versions.open_version(settings, task.address, kept[0].number) if kept else None


def models_digest(names: Sequence[str]) -> str:
    """Digest of the models' names, whatever their order."""
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
