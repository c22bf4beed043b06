"""Other wordings of a question for the wording control: shuffled words, the rarest word alone, negated.

`word_frequencies.txt` has the words of English with at least one use in a million, the most frequent first: the
small list of wordfreq 3.1.1 (CC BY-SA 4.0, see NOTICE).
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

NEGATION = "Which of these is NOT the right answer: "
_LIST = Path(__file__).with_name("word_frequencies.txt")
# A word, hyphens and apostrophes within it included; in scripts without spaces every sign is one.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:['’-](?:(?![{_UNSPACED}])[^\W_])+)*")
_END = re.compile(r"[\s?.!:…？。！]*$")


def shuffled_words(question: str) -> str:
    """The question with its words in another order, drawn from its text; the sign at its end stays there.

    A question of one word, or of the same word throughout, stays as it is.
    """
    body, end = _without_end(question)
    parts = [part for chunk in body.split() for part in _pieces(chunk)]
    if len(set(parts)) < 2:
        return question
    before, order = parts, random.Random(question)
    while parts == before:
        parts = order.sample(before, len(before))
    return " ".join(parts) + end


def rarest_word(question: str) -> str:
    """The rarest word of the question, with "?" behind it; "" for a question without words.

    Words that the list lacks are the rarest; the longer one goes before, then the first.
    """
    return _rarest(_WORD.findall(question))


def rarest_new_word(before: str, after: str) -> str:
    """The rarest word that an edit added, with "?" behind it; "" if it added none. Case makes no word new."""
    known = {word.casefold() for word in _WORD.findall(before)}
    return _rarest([word for word in _WORD.findall(after) if word.casefold() not in known])


def _rarest(words: list[str]) -> str:
    if not words:
        return ""
    at = max(range(len(words)), key=lambda place: (_rank(words[place]), len(words[place]), -place))
    return f"{words[at]}?"


def negated(question: str) -> str:
    """The question behind `NEGATION`: what was the right answer is now wrong."""
    return f"{NEGATION}{question}"


def _without_end(question: str) -> tuple[str, str]:
    end = _END.search(question)
    assert end is not None  # it matches an empty end
    return question[: end.start()], end.group().strip()


def _pieces(chunk: str) -> list[str]:
    """A chunk between spaces as it is, with its punctuation; its signs if its script has no spaces."""
    return _WORD.findall(chunk) if re.search(f"[{_UNSPACED}]", chunk) else [chunk]


def _rank(word: str) -> int:
    """Place in the list; behind its end for a word that it lacks, hyphenated ones by their rarest part."""
    ranks = _ranks()
    plain = word.casefold().replace("’", "'")
    if sum(sign.isdigit() for sign in plain) > 1:  # in the list 0 stands for every digit of a number
        plain = re.sub(r"\d", "0", plain)
    if plain in ranks:
        return ranks[plain]
    return max(ranks.get(part.removesuffix("'s"), len(ranks)) for part in plain.split("-"))


@cache
def _ranks() -> dict[str, int]:
    words = _LIST.read_text(encoding="utf-8").split()
    return {word: rank for rank, word in enumerate(words)}
