"""lm-evaluation-harness's `samples_*.jsonl`: the log-likelihoods that every metric follows from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from e2lm_core.base.plain import number
from e2lm_core.base.records import Json
from e2lm_core.imported.formats import answers
from e2lm_core.imported.formats.answers import MAX_CHOICES, Answered
from e2lm_core.imported.records import Evaluation

_INDEX = re.compile(r"[0-9]{1,9}")


def is_sample(row: Any) -> bool:
    """Whether a parsed line is a sample as `--log_samples` writes it."""
    return isinstance(row, dict) and "doc_id" in row and ("filtered_resps" in row or "resps" in row)


def slim(row: Json) -> Json:
    """A sample without what no score needs: of each prompt only which it is, of the document its id and subject."""
    kept = {key: row[key] for key in ("doc_id", "target", "filter") if key in row}
    if isinstance(doc := row.get("doc"), dict):
        kept["doc"] = {key: doc[key] for key in ("id", "subject") if key in doc}
    try:
        pairs = list(_arguments(row.get("arguments")))
    except _NoChoices:
        return kept | {"arguments": [None] if isinstance(row.get("arguments"), dict | list) else None}
    contexts: dict[str, str] = {"": ""}
    for context, _ in pairs:
        contexts.setdefault(context, str(len(contexts)))
    responses = row.get("filtered_resps") or row.get("resps")
    return kept | {"arguments": [[contexts[c], text] for c, text in pairs], "filtered_resps": responses}


def add_samples(
    evaluation: Evaluation, rows: Sequence[Json], delimiter: str
) -> tuple[Evaluation, str | None]:
    """The evaluation with its questions' log-likelihoods, from which every metric follows; or why not."""
    try:
        answered = _read_samples(rows, delimiter)
    except _NoChoices as error:
        where = f"{evaluation.model.name} at {evaluation.checkpoint} on {evaluation.task}"
        return evaluation, f"{where}: the samples give no log-likelihoods of choices ({error})."
    return answers.add(evaluation, answered)


# --- within -------------------------------------------------------------------------------------------


class _NoChoices(Exception):
    """Why a sample is not a question with scored choices."""


def _read_samples(rows: Sequence[Json], delimiter: str) -> list[Answered]:
    by_id: dict[Any, tuple[Json, list[float], list[str], int]] = {}
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    wanted = "none" if "none" in filters else filters[0] if filters else None
    for row in rows:
        if str(row.get("filter", "none")) == wanted:
            by_id[json.dumps(row["doc_id"])] = (row, *_choices(row, delimiter))
    kept = sorted(by_id.values(), key=lambda sample: _order(sample[0]["doc_id"]))
    docs: list[Json] = [doc if isinstance(doc := row.get("doc"), dict) else {} for row, *_ in kept]
    ids = [str(doc.get("id", row["doc_id"])) for doc, (row, *_) in zip(docs, kept, strict=True)]
    if len(set(ids)) < len(ids):
        ids = [str(row["doc_id"]) for row, *_ in kept]
    return [
        answers.of_texts(identity, str(doc.get("subject") or ""), gold, values, texts)
        for identity, doc, (_, values, texts, gold) in zip(ids, docs, kept, strict=True)
    ]


def _order(identity: Any) -> tuple[int, float, str]:
    place = number(identity)
    return (0, place, "") if place is not None else (1, 0.0, str(identity))


def _choices(row: Json, delimiter: str) -> tuple[list[float], list[str], int]:
    """A sample's log-likelihoods (nats), its choices' texts and its gold index."""
    pairs = list(_arguments(row.get("arguments")))
    responses = row.get("filtered_resps") or row.get("resps")
    if not isinstance(responses, list) or len(responses) != len(pairs) or len(pairs) < 2:
        raise _NoChoices("it is no multiple-choice task")
    if len(pairs) > 2 * MAX_CHOICES:
        raise _NoChoices(f"a question has more than {MAX_CHOICES} choices")
    values = [_likelihood(response) for response in responses]
    half = len(pairs) // 2
    if len(pairs) % 2 == 0 and half > 1 and all(not c for c, _ in pairs[half:]) and pairs[0][0]:
        # acc_mutual_info scores each choice without the question too.
        pairs, values = pairs[:half], values[:half]
    if len({context for context, _ in pairs}) > 1:
        raise _NoChoices("its choices stand in the prompt, not after it")
    texts = [continuation.removeprefix(delimiter) for _, continuation in pairs]
    if not all(texts):
        raise _NoChoices("a choice is empty")
    return values, texts, _gold(row.get("target"), texts)


def _arguments(arguments: Any) -> Iterator[tuple[str, str]]:
    ordered = list(arguments.values()) if isinstance(arguments, dict) else arguments
    if not isinstance(ordered, list):
        raise _NoChoices("the prompts were not logged")
    for argument in ordered:
        pair = list(argument.values()) if isinstance(argument, dict) else argument
        if not isinstance(pair, list) or len(pair) < 2 or not all(isinstance(p, str) for p in pair[:2]):
            raise _NoChoices("it is no multiple-choice task")
        yield pair[0], pair[1]


def _likelihood(response: Any) -> float:
    while isinstance(response, list) and response:
        response = response[0]
    try:
        return float(response)
    except (TypeError, ValueError, OverflowError) as error:
        raise _NoChoices("it is no multiple-choice task") from error


def _gold(target: Any, texts: Sequence[str]) -> int:
    text = str(target).strip()
    if _INDEX.fullmatch(text) and int(text) < len(texts):
        return int(text)
    named = [i for i, choice in enumerate(texts) if choice.strip() == text]
    if len(named) != 1:
        raise _NoChoices(f"the right choice {text[:40]!r} is none of them")
    return named[0]
