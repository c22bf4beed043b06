"""Proposals in a language model's answer: JSON, read as data within limits of number and length."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any

from e2lm_core.assist.client import AssistError
from e2lm_core.assist.requests import Request
from e2lm_core.base.records import Question, Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.sets.candidates import MAX_CHARS, plain

MAX_PROPOSALS = 8
MAX_TEXT = 2_000  # characters of a proposed question
MAX_WRONG = 5
_THOUGHT, _THOUGHT_END, _FENCE = "<think>", "</think>", "```"
# Marks that turn the direction of a text show it otherwise than it is stored.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = ("Cc", "Cs", "Co", "Cn")


class Proposals(Record):
    """Proposals of a language model, none of which is in the set.

    Attributes:
        texts: Proposed texts; empty for those from a passage.
        questions: Proposed questions from a passage, without ids.
        left_out: Number of entries that were no proposal, too long, repeated, or beyond MAX_PROPOSALS.
        model: Name of the model.
    """

    texts: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    left_out: int = 0
    model: str


def read_proposals(request: Request, answer: str, model: str) -> Proposals:
    """Proposals in an answer, each once, without those that the question has already.

    Args:
        request: The request that was answered.
        answer: Text of the answer.
        model: Name of the model.

    Raises:
        AssistError: The answer is not the JSON that was asked for, or has no usable proposal.
    """
    entries = _entries(answer, model)
    read = _question if request.kind == "passage" else _text
    limit = MAX_CHARS if request.kind == "distractors" else MAX_TEXT
    known = set() if request.question is None else {plain(request.question.question)}
    if request.question is not None and request.kind == "distractors":
        known = {plain(text) for text in request.question.choices}
    found: list[Any] = []
    for entry in entries:
        one = read(entry, limit)
        if one is None or len(found) == MAX_PROPOSALS:
            continue
        same = plain(one.question if isinstance(one, Question) else one)
        if same not in known:
            known.add(same)
            found.append(one)
    if not found:
        raise AssistError(
            Sentence(
                "{model} gives no usable proposal among {entries}: ask again.",
                model=model,
                entries=len(entries),
            )
        )
    left_out = len(entries) - len(found)
    if request.kind == "passage":
        return Proposals(questions=tuple(found), left_out=left_out, model=model)
    return Proposals(texts=tuple(found), left_out=left_out, model=model)


def read_taken(request: Request, taken: str, model: str) -> Proposals:
    """One proposal that a command was given to take, read as answers are.

    Args:
        request: The request that it answers.
        taken: The text; of a passage a JSON object with question, right and wrong.
        model: Name of the model.

    Raises:
        AssistError: It is no such text, or the question has it already.
    """
    entry: Any = taken
    if request.kind == "passage":
        try:
            entry = safejson.loads(taken)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            entry = {"question": entry.get("proposal", entry.get("question"))} | {
                name: entry.get(name) for name in ("right", "wrong")
            }
    return read_proposals(request, json.dumps({"proposals": [entry]}), model)


def wrong_of(question: Question) -> tuple[str, ...]:
    """Wrong answers of a question."""
    return (*question.choices[: question.answer], *question.choices[question.answer + 1 :])


def _entries(answer: str, model: str) -> list[Any]:
    """The list `proposals` of an answer that is one JSON object, in a code fence or not."""
    text = answer.strip()
    if text.startswith(_THOUGHT):  # local models that reason begin with it
        text = text.partition(_THOUGHT_END)[2].strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        text = text.strip("`").removeprefix("json")
    try:
        content = safejson.loads(text)
    except ValueError:
        content = None
    entries = content.get("proposals") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise AssistError(
            Sentence("{model} answered in another form than was asked for: ask again.", model=model)
        )
    return entries


def _text(entry: object, limit: int) -> str | None:
    """A proposed text on one line; None for anything else, and for one that is empty, too long or unprintable."""
    if not isinstance(entry, str) or len(entry) > 2 * limit:
        return None
    text = " ".join(entry.split())
    if not 0 < len(text) <= limit or _TURNING.search(text):
        return None
    return None if any(unicodedata.category(mark) in _CONTROL for mark in text) else text


def _question(entry: object, limit: int) -> Question | None:
    """A proposed question with its right answer at a place that its text decides; None for anything else."""
    if not isinstance(entry, dict):
        return None
    question, right = _text(entry.get("question"), limit), _text(entry.get("right"), MAX_CHARS)
    wrong = entry.get("wrong")
    if question is None or right is None or not isinstance(wrong, list) or not 1 <= len(wrong) <= MAX_WRONG:
        return None
    choices = [_text(one, MAX_CHARS) for one in wrong]
    texts = [one for one in choices if one is not None]
    if len(texts) < len(wrong) or len({plain(one) for one in (*texts, right)}) <= len(wrong):
        return None
    place = hashlib.sha256(question.encode()).digest()[0] % (len(texts) + 1)
    return Question(id="", question=question, choices=(*texts[:place], right, *texts[place:]), answer=place)
