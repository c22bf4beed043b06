"""Records of suspected questions."""

from __future__ import annotations

from typing import Literal, get_args

from e2lm_core.base.records import Record

Kind = Literal["wrong key", "two right answers", "twin answers", "giveaway", "dead answer", "dead"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # the gravest first


class Suspect(Record):
    """A question and why; `about` are the choices in question: what the models say instead, two that are alike, dead ones.

    `evidence`: of a wrong key how much more probable the other choice is; of two right answers what both hold
    together; of twin answers how alike they move; of a giveaway the key's probability unread; of a dead answer the
    most that it ever got; of a dead question 1 where it is always answered right, 0 where never. `models` of `of` models agree.
    """

    question_id: str
    kind: Kind
    gold: int
    about: tuple[int, ...]
    evidence: float
    models: int
    of: int


class SuspectList(Record):
    """Suspected questions, the gravest kind and the plainest first; `why` no key can be doubted, where that is so.

    The keys of `left_out` questions were not looked at, since these models were never told of them.
    """

    listed: tuple[Suspect, ...]
    knowledge: float | None
    left_out: int = 0
    why: str | None = None
