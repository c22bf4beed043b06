"""lm-evaluation-harness's `samples_*.jsonl`: the log-likelihoods that every metric follows from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from e2lm_core.base.plain import number
from e2lm_core.base.records import METRICS, Json
from e2lm_core.imported.records import Evaluation, Questions
from e2lm_core.scores import metrics

AGREES_WITHIN = 1e-9
MAX_CHOICES = 200
MAX_CELLS = 2_000_000  # questions × choices
_INDEX = re.compile(r"[0-9]{1,9}")


def is_sample(row: Any) -> bool:
    """Whether a parsed line is a sample as `--log_samples` writes it."""
    return isinstance(row, dict) and "doc_id" in row and ("filtered_resps" in row or "resps" in row)


def add_samples(
    evaluation: Evaluation, rows: Sequence[Json], delimiter: str
) -> tuple[Evaluation, str | None]:
    """The evaluation with its questions' log-likelihoods, from which every metric follows; or why not."""
    where = f"{evaluation.model.name} at {evaluation.checkpoint} on {evaluation.task}"
    read = _read_samples(rows, delimiter)
    if isinstance(read, str):
        return evaluation, f"{where}: the samples give no log-likelihoods of choices ({read})."
    questions, ll = read
    if evaluation.n is not None and evaluation.n != len(questions.ids):
        return (
            evaluation,
            f"{where}: the samples hold {len(questions.ids):,} of {evaluation.n:,} questions, so its means "
            "are taken from the results file alone; copy the samples again.",
        )
    values = metrics.per_question(ll[None], questions.gold, questions.chars, questions.gold_bytes)
    means = {metric: float(metrics.curve(values[metric])[0]) for metric in METRICS}
    missing = int(np.isnan(values["margin"]).sum())
    if missing:
        return evaluation, f"{where}: {missing:,} of the samples have a log-likelihood that is not a number."
    for metric in ("acc", "acc_norm"):
        reported = evaluation.scores.get(metric)
        if reported is not None and abs(reported - means[metric]) > AGREES_WITHIN:
            return (
                evaluation,
                f"{where}: {metric} is {means[metric]:.4f} by the samples but {reported:.4f} in the "
                "results file; the samples are left aside, since they are of another run or task.",
            )
    # The file's own means stay as they are, to the last bit.
    scores = {**{m: v for m, v in means.items() if math.isfinite(v)}, **evaluation.scores}
    return replace(
        evaluation,
        scores=scores,
        n=len(questions.ids),
        questions=questions,
        ll=ll,
        lower=evaluation.lower | {"bpb"},
    ), None


# --- within -------------------------------------------------------------------------------------------


class _NoChoices(Exception):
    """Why a sample is not a question with scored choices."""


def _read_samples(rows: Sequence[Json], delimiter: str) -> tuple[Questions, np.ndarray] | str:
    by_id: dict[Any, tuple[Json, list[float], list[str], int]] = {}
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    wanted = "none" if "none" in filters else filters[0] if filters else None
    try:
        for row in rows:
            if str(row.get("filter", "none")) == wanted:
                by_id[json.dumps(row["doc_id"])] = (row, *_choices(row, delimiter))
    except _NoChoices as error:
        return str(error)
    if not by_id:
        return "there are none"
    kept = sorted(by_id.values(), key=lambda sample: _order(sample[0]["doc_id"]))
    width = max(len(values) for _, values, _, _ in kept)
    if len(kept) * width > MAX_CELLS:
        return f"{len(kept):,} questions of up to {width:,} choices are more than can be read"
    ll, chars = np.full((len(kept), width), np.nan), np.full((len(kept), width), np.nan)
    for q, (_, values, texts, _) in enumerate(kept):
        ll[q, : len(values)] = values
        chars[q, : len(texts)] = [len(text) for text in texts]
    docs: list[Json] = [doc if isinstance(doc := row.get("doc"), dict) else {} for row, *_ in kept]
    ids = [str(doc.get("id", row["doc_id"])) for doc, (row, *_) in zip(docs, kept, strict=True)]
    if len(set(ids)) < len(ids):
        ids = [str(row["doc_id"]) for row, *_ in kept]
    questions = Questions(
        ids=tuple(ids),
        subjects=tuple(str(doc.get("subject") or "") for doc in docs),
        gold=np.array([gold for *_, gold in kept], dtype=np.intp),
        chars=chars,
        gold_bytes=np.array(
            [len(texts[gold].encode("utf-8", "surrogatepass")) for _, _, texts, gold in kept], float
        ),
    )
    return questions, ll


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
