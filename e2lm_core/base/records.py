"""Domain records: question, task set, model, checkpoint, request, log-likelihood, value.

A record holds values and never reaches out: reading, checking and computing live in the layers above.
Missing is `None` (or NaN inside arrays), never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

CLOZE_TEXT = "Question: {{question}}\nAnswer:"
CLOZE_CHOICE = "{{choices}}"
LETTERS_TEXT = (
    "Question: {{question}}\n"
    "{% for choice in choices %}{{ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0] }}. {{ choice }}\n{% endfor %}"
    "Answer:"
)
# A text that is a choice's index has the harness ask each choice before the target, which is then the question.
ENDING_TEXT, ENDING_TARGET = "answer", "question"
LETTERS_CHOICE = "{{ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[:choices|length] | list }}"

METRICS = ("acc", "acc_norm", "margin", "norm_prob", "bpb")
LOWER_IS_BETTER = frozenset({"bpb"})
# Shares of questions answered rightly: said in percent, their differences in points.
SHARES = frozenset({"acc", "acc_norm"})
# Those with a chance level, which CS needs (docs/scores.md).
BOUNDED_METRICS = ("acc", "acc_norm", "norm_prob")
# What ranking consistency means, the default first (scores/ranking/readings.py).
RC_READINGS = ("organisers", "early_means", "first_place", "all_models")


class Record(BaseModel):
    """Immutable, comparable by value, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


# --- question sets -----------------------------------------------------------------------------------


class Question(Record):
    """One doc: a row of `test.jsonl` or `dev.jsonl`.

    `answer` is the gold index into `choices`, from 0. `extra` keeps columns that the studio does not know,
    so that reading and writing a file loses nothing. A record may hold an invalid question (an author is
    in the middle of writing it); `check.structural_errors` tells, and nothing invalid is ever saved.
    """

    id: str
    question: str
    choices: tuple[str, ...]
    answer: int
    subject: str | None = None
    source: str | None = None
    license: str | None = None
    note: str | None = None
    group: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class PromptStyle(StrEnum):
    """How a prompt shows the choices: not at all (cloze), as lettered options, or in the author's own way.

    Of an ending the question is scored, after each choice in turn: the harness's tasks of several inputs.
    """

    CLOZE = "cloze"
    LETTERS = "letters"
    ENDING = "ending"
    CUSTOM = "custom"


class TaskConfig(Record):
    """What `<name>.yaml` says, in the harness's own keys; what it leaves out has the harness's default."""

    task: str
    num_fewshot: int = 0
    description: str = ""
    doc_to_text: str = CLOZE_TEXT
    doc_to_choice: str | tuple[str, ...] = CLOZE_CHOICE
    doc_to_target: str = "answer"
    target_delimiter: str = " "
    fewshot_delimiter: str = "\n\n"
    fewshot_sampler: Literal["first_n", "default"] = "first_n"
    # Examples are dev questions or, where a task has none, other questions of the test. `fewshot_leaves_out`: one
    # more is drawn than is shown, and the question itself is left out of them.
    fewshot_split: Literal["dev", "test"] = "dev"
    fewshot_leaves_out: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Its values but for the name, as JSON has them; what a set has always done stays out of its digest."""
        values = self.model_dump(mode="json", exclude={"task"})
        for field in ("fewshot_split", "fewshot_leaves_out"):
            if values[field] == type(self).model_fields[field].default:
                del values[field]
        return values

    @property
    def style(self) -> PromptStyle:
        """Which of the two templates the prompt has, custom where neither."""
        if (self.doc_to_text, self.doc_to_choice) == (LETTERS_TEXT, LETTERS_CHOICE):
            return PromptStyle.LETTERS
        if self.doc_to_text == ENDING_TEXT:
            known = (self.doc_to_choice, self.doc_to_target) == (CLOZE_CHOICE, ENDING_TARGET)
            return PromptStyle.ENDING if known else PromptStyle.CUSTOM
        if self.doc_to_choice in (CLOZE_CHOICE, "choices"):
            return PromptStyle.CLOZE
        return PromptStyle.CUSTOM


class TaskSet(Record):
    """A question set: configuration, test questions and the dev questions that few-shot prompts use.

    `owner` is the person who shares it with whoever opened it, None for one's own and for examples. `zero_shot` is
    why no example can be shown, None where they can: a clause such as "its examples are drawn by code".
    """

    config: TaskConfig
    questions: tuple[Question, ...]
    dev: tuple[Question, ...] = ()
    readme: str = ""
    owner: str | None = Field(default=None, exclude=True)
    zero_shot: str | None = Field(default=None, exclude=True)

    @property
    def fewshot_pool(self) -> tuple[Question, ...]:
        """The questions that examples are drawn from."""
        return self.dev if self.config.fewshot_split == "dev" else self.questions

    @property
    def max_fewshot(self) -> int:
        """The most examples that a prompt can show."""
        return (
            max(0, len(self.fewshot_pool) - self.config.fewshot_leaves_out) if self.zero_shot is None else 0
        )

    def without_unused_fewshot(self) -> TaskSet:
        """The set as it can be written: one that can show no example asks for none and keeps none."""
        if self.zero_shot is None:
            return self
        update = {"num_fewshot": 0, "fewshot_split": "dev", "fewshot_leaves_out": False}
        return self.model_copy(
            update={"config": self.config.model_copy(update=update), "dev": (), "zero_shot": None}
        )

    @property
    def name(self) -> str:
        """The set's name is its task's."""
        return self.config.task

    @property
    def address(self) -> str:
        """What services and links find it by: its name, or OWNER/NAME of a set that is shared."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


class Finding(Record):
    """One thing that a check has to say; `severity` is for the export profile it was made under."""

    severity: Literal["error", "warning"]
    code: str  # stable, machine-readable: "gold_range", "repeated_choice", …
    sentence: str
    question_id: str | None = None


class RenderedDoc(Record):
    """A question as a model sees it: one context, one continuation per choice (delimiter included).

    With an `ending` the choices are asked the other way round: each follows the context, and the one ending, which is
    then every continuation, is scored after it.
    """

    question_id: str
    context: str
    continuations: tuple[str, ...]
    # As rendered by doc_to_choice, without the delimiter: acc_norm divides by their length.
    choices: tuple[str, ...]
    gold: int
    ending: str | None = None  # without the delimiter

    @property
    def requests(self) -> tuple[tuple[str, str], ...]:
        """(context, continuation) of every choice, in the choices' order."""
        if self.ending is None:
            return tuple((self.context, continuation) for continuation in self.continuations)
        pairs = zip(self.choices, self.continuations, strict=True)
        return tuple((self.context + choice, continuation) for choice, continuation in pairs)

    @property
    def scored_texts(self) -> tuple[str, ...]:
        """The text of every choice whose log-likelihood is taken, without the delimiter: bpb counts its bytes."""
        return self.choices if self.ending is None else (self.ending,) * len(self.choices)


# --- checkpoints --------------------------------------------------------------------------------------


class ModelInfo(Record):
    """A model whose checkpoints form one curve."""

    name: str
    family: str
    size: str | None = None  # "small", "500m", …: the hue of its curve
    arch: str | None = None  # "arch1", "arch2": the dash of its curve
    role: Literal["science", "web"] = "science"
    parameters: int | None = None
    seed: int | None = None
    twin_of: str | None = None  # the science model whose web-only twin this is
    seed_of: str | None = None  # the model of which this is another seed

    @property
    def short_name(self) -> str:
        """The name without its family's prefix: what a direct label has room for."""
        return self.name.removeprefix(f"{self.family}-")

    @property
    def counts_in_scores(self) -> bool:
        """Twins and extra seeds stay out of SQ, RC and SNR means."""
        return self.twin_of is None and self.seed_of is None


class Checkpoint(Record):
    """(model, directory or hub repo, revision, subfolder, step, tokens_seen): never a bare path.

    `directory` is the local folder (None until unpacked or downloaded); `packed` is the file that it is
    unpacked from, for the embedded ladder. `early` tells whether it lies in the early window, None where
    the family names no window.
    """

    model: ModelInfo
    step: int
    tokens_seen: int | None = None
    early: bool | None = None
    directory: Path | None = None
    packed: Path | None = None
    repo: str | None = None
    revision: str | None = None
    subfolder: str | None = None

    @property
    def name(self) -> str:
        """`model/iter_0002000`: unique in a catalogue, and what a GLOB is matched against."""
        return f"{self.model.name}/{self.subfolder or f'iter_{self.step:07d}'}"


class Scope(Record):
    """The part of a result's key that is about the model and how it is run, not about the text."""

    fingerprint: str  # repo@sha/subfolder on a hub, sha256 of weights, config and tokenizer for a folder
    dtype: str
    max_length: int
    bos: str  # the BOS rule, for instance "none" or "prepend:1"
    scoring_version: int


# --- scoring ------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """What a backend scores: log p(continuation | context)."""

    context: str
    continuation: str


class Loglikelihood(NamedTuple):
    """`ll_nats`: natural log, summed over the continuation's `tokens` tokens."""

    ll_nats: float
    tokens: int


class ScoredChunk(list[tuple[int, Loglikelihood]]):
    """(index, result) of the requests that were computed together, and what that took.

    `tokens` went through the model for them, without padding. `harness_tokens` is what lm-evaluation-harness
    would send instead: context and continuation anew for every request, cut to the window.
    """

    def __init__(
        self, results: Iterable[tuple[int, Loglikelihood]] = (), tokens: int = 0, harness_tokens: int = 0
    ) -> None:
        super().__init__(results)
        self.tokens, self.harness_tokens = tokens, harness_tokens


class NullDistribution(Record):
    """What a score is under random answers to the same questions: mean, 95% point, and the share `p` at least as high."""

    mean: float
    q95: float
    p: float


class Value(Record):
    """A score that may be undefined: `why` says why `value` is None or, where it is not, why it has no
    interval.

    `interval` is (low, high) at 95%, None where no method covers; `coverage` is the measured one, of sets of a `kind`
    where it was measured by kinds. `null` is what random answers give, None where that is not known.
    """

    value: float | None
    why: str | None = None
    interval: tuple[float, float] | None = None
    coverage: float | None = None
    kind: str | None = None
    null: NullDistribution | None = None


class SignalQuality(Record):
    """The organisers' signal quality of one curve and, beside it, what its edge cases hide.

    `rho`, `autocorrelation` and `sq` are the official figures, None where undefined (then `why` says why);
    `points` is how many points of the curve entered; `spearman` is tie-aware, `signed_autocorrelation`
    keeps the sign.
    """

    rho: float | None
    autocorrelation: float | None
    sq: float | None
    points: int
    spearman: float | None = None
    signed_autocorrelation: float | None = None
    why: str | None = None


Json = Mapping[str, Any]
