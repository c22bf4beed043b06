"""Reader of lm-evaluation-harness `samples_*.jsonl`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json
from e2lm_core.base.sentences import Sentence
from e2lm_core.imported.formats import choice_loglikelihoods
from e2lm_core.imported.formats.choice_loglikelihoods import MAX_CHOICES, ScoredQuestion
from e2lm_core.imported.formats.harness_results import WITH_DELIMITER
from e2lm_core.imported.records import Evaluation

_OWN = ("acc", "acc_norm")  # a sample's own metrics, by which targets are read
_INDEX = re.compile(r"[0-9]{1,9}")


def is_sample(row: Any) -> bool:
    """Whether a parsed line is a sample as `--log_samples` writes it."""
    return isinstance(row, dict) and "doc_id" in row and ("filtered_resps" in row or "resps" in row)


def slim(row: Json) -> Json:
    """Reduce a sample to the fields that scores need.

    Each distinct prompt becomes a number, and the document keeps its id and subject.
    """
    kept = {key: row[key] for key in ("doc_id", "target", "filter", *_OWN) if key in row}
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
    """Add the questions' log-likelihoods to an evaluation, from which every metric follows.

    Args:
        evaluation: Evaluation of the same run and task.
        rows: Samples of the task, reduced by `slim`.
        delimiter: Text between prompt and choice, which a choice's length leaves out.

    Returns:
        The evaluation with questions and None, or the evaluation unchanged and the reason.
    """
    try:
        answered = _read_samples(rows, delimiter)
    except _NoChoices as error:
        return evaluation, Sentence(
            "{where}: the samples give no log-likelihoods of choices ({reason}).",
            where=choice_loglikelihoods.point(evaluation),
            reason=str(error),
        )
    fuller, why = choice_loglikelihoods.add_questions(evaluation, answered)
    theirs = f"acc_norm,{WITH_DELIMITER}"
    if why is None and theirs in evaluation.scores:
        counted = [one._replace(chars=[n + len(delimiter) for n in one.chars]) for one in answered]
        _, why = choice_loglikelihoods.add_questions(evaluation, counted, same_questions={theirs: "acc_norm"})
    return (evaluation, why) if why is not None else (fuller, None)


# --- within -------------------------------------------------------------------------------------------


class _NoChoices(Exception):
    """A sample is not a question with scored choices; the message gives the reason."""


class _Sample(NamedTuple):
    """A sample with the log-likelihoods (nats) and the texts of its choices."""

    row: Json
    values: list[float]
    texts: list[str]

    @property
    def target(self) -> str:
        return str(self.row.get("target")).strip()

    def as_index(self) -> int | None:
        """Index of the right answer if the target is read as an index; None if no choice has it."""
        return (
            int(self.target) if _INDEX.fullmatch(self.target) and int(self.target) < len(self.texts) else None
        )

    def as_text(self) -> int | None:
        """Index of the right answer if the target is a choice's text; None unless exactly one matches."""
        named = [i for i, choice in enumerate(self.texts) if choice.strip() == self.target]
        return named[0] if len(named) == 1 else None

    def agrees(self, gold: int) -> bool:
        """Whether the sample's own metrics follow from this right answer."""
        by_char = [ll / len(text) for ll, text in zip(self.values, self.texts, strict=True)]
        made = {"acc": self.values, "acc_norm": by_char}
        told = [(name, own) for name in _OWN if (own := to_json_number(self.row.get(name))) is not None]
        return all((own >= 0.5) == (made[name].index(max(made[name])) == gold) for name, own in told)


def _read_samples(rows: Sequence[Json], delimiter: str) -> list[ScoredQuestion]:
    by_id: dict[Any, _Sample] = {}
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    wanted = "none" if "none" in filters else filters[0] if filters else None
    for row in rows:
        if str(row.get("filter", "none")) == wanted:
            by_id[json.dumps(row["doc_id"])] = _Sample(row, *_choices(row, delimiter))
    kept = sorted(by_id.values(), key=lambda sample: _order(sample.row["doc_id"]))
    docs: list[Json] = [doc if isinstance(doc := one.row.get("doc"), dict) else {} for one in kept]
    ids = [str(doc.get("id", one.row["doc_id"])) for doc, one in zip(docs, kept, strict=True)]
    if len(set(ids)) < len(ids):
        ids = [str(one.row["doc_id"]) for one in kept]
    return [
        choice_loglikelihoods.from_choice_texts(
            identity, str(doc.get("subject") or ""), gold, one.values, one.texts
        )
        for identity, doc, one, gold in zip(ids, docs, kept, _golds(kept), strict=True)
    ]


def _order(identity: Any) -> tuple[int, float, str]:
    place = to_json_number(identity)
    return (0, place, "") if place is not None else (1, 0.0, str(identity))


def _choices(row: Json, delimiter: str) -> tuple[list[float], list[str]]:
    """Log-likelihoods (nats) and texts of a sample's choices."""
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
    return values, texts


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


def _golds(samples: Sequence[_Sample]) -> list[int]:
    """Index of the right answer of every sample: targets are indices in all of them, or texts in all.

    lm-eval writes both as text, so that "3" may be the fourth choice or the choice "3". If both fit and
    differ, each sample's own accuracy decides. Raises _NoChoices for a target that is no choice, or
    undecided.
    """
    indices, texts = [one.as_index() for one in samples], [one.as_text() for one in samples]
    for one, index, text in zip(samples, indices, texts, strict=True):
        if index is None and text is None:
            raise _NoChoices(f"the right answer {one.target[:40]!r} is none of them")
    fits = [golds for golds in (indices, texts) if None not in golds]
    if len(fits) == 2 and indices != texts:
        fits = [
            golds
            for golds in fits
            if all(gold is not None and one.agrees(gold) for one, gold in zip(samples, golds, strict=True))
        ]
    if not fits or (len(fits) == 2 and indices != texts):
        raise _NoChoices(
            "its right answers are numbers that may be places or texts, and its accuracy does not tell"
        )
    return [gold for gold in fits[0] if gold is not None]
