"""Records of questions to check.

Tested in tests/analysis/questions/suspects/test_keys.py.
"""

from __future__ import annotations

from typing import Literal, get_args

from e2lm_core.base.records import Record
from e2lm_core.base.sentences import SentenceField

Kind = Literal["wrong key", "two right answers", "twin answers", "giveaway", "dead answer", "dead"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # most serious first


class Suspect(Record):
    """A question to check, with the reason.

    `evidence` of a wrong key is the lead of the other choice in probability; of two right answers their joint
    probability; of twin answers their likeness; of a giveaway the probability of the right answer without the
    question; of a dead answer the highest probability that it ever got; of a dead question 1 if it is always
    answered right, 0 if never.

    Attributes:
        question_id: Id of the question.
        kind: Kind of suspicion, one of `KINDS`.
        gold: Index of the right answer.
        about: Indices of the choices concerned: the models' choice, the twin answers or the dead answers.
        evidence: Strength of the suspicion, see above.
        models: Number of models that agree.
        of: Number of models.
    """

    question_id: str
    kind: Kind
    gold: int
    about: tuple[int, ...]
    evidence: float
    models: int
    of: int


class SuspectList(Record):
    """Questions to check, most serious kind and strongest evidence first.

    Attributes:
        listed: Questions to check.
        knowledge: Position of the best model between chance (0) and all right (1); None if not computed.
        left_out: Number of questions with unjudged keys, since the mini models know none of their choices as
            the answer.
        why: Reason why no key is judged; None if keys are judged.
        expected_false: Expected number of right keys among the doubted ones; None if no key is judged.
        shifted: Sentence on keys that are shifted or swapped throughout; None if they are not.
    """

    listed: tuple[Suspect, ...]
    knowledge: float | None
    left_out: int = 0
    why: SentenceField | None = None
    expected_false: float | None = None
    shifted: SentenceField | None = None
