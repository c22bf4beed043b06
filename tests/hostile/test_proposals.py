"""Answers of a language model's server, as bad as they come: a value or one sentence, within the limits of the ground."""

from __future__ import annotations

import json

import pytest

from e2lm_core.assist import answers, client
from e2lm_core.assist.requests import KINDS, request_of
from tests.hostile.ground import Ground
from tests.support import studios
from tests.ui.browser import beacon

M = 2**20  # the most that an answer has
QUESTION = studios.question(3)
BAD = {
    "nested lists": "[" * M,
    "nested objects": '{"proposals":' * (M // 13),
    "a million numbers": '{"proposals": [' + "1," * (M // 2 - 20) + "1]}",
    "empty texts": '{"proposals": [' + '"",' * (M // 3 - 20) + '""]}',
    "one long text": json.dumps({"proposals": ["x" * (M - 100)]}),
    "spaces": json.dumps({"proposals": [" \n" * (M // 3)]}),
    "escapes": '{"proposals": ["' + "\\u0000" * (M // 6 - 10) + '"]}',
    "surrogates": '{"proposals": ["' + "\\ud83d" * (M // 6 - 10) + '"]}',
    "a long number": '{"proposals": ' + "9" * (M - 20) + "}",
    "one key over and over": "{" + '"proposals": [],' * (M // 16 - 2) + '"proposals": ["a", "b"]}',
    "fences": "```" * (M // 3),
    "thoughts": "<think>" * (M // 7),
    "thoughts and line breaks": "<think>" + "\n" * M,
    "fence and line breaks": "```json" + "\n" * M,
    "bytes that are no text": "\udcff" * 1000,
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", KINDS)
def test_bad_answers(ground: Ground, name: str, kind: str) -> None:
    place = next(k for k in range(4) if k != QUESTION.answer)
    request = request_of(kind, QUESTION, place if kind == "distractors" else None, "A passage.")  # type: ignore[arg-type]
    ground.tried(lambda: answers.read_proposals(request, BAD[name], "m"))


@pytest.mark.parametrize("name", BAD)
def test_bad_completions(ground: Ground, name: str) -> None:
    ground.refused(lambda: client._content(BAD[name].encode("utf-8", "surrogateescape")))


@pytest.mark.parametrize("text", beacon.pieces("http://evil.example", "proposal"))
def test_hostile_texts(ground: Ground, text: str) -> None:
    """Each becomes a proposal as it is, on one line, or none."""
    request = request_of("paraphrases", QUESTION)
    found = []
    said = ground.tried(
        lambda: found.append(answers.read_proposals(request, json.dumps({"proposals": [text]}), "m"))
    )
    assert said is not None or [t for one in found for t in one.texts] == [" ".join(text.split())]
