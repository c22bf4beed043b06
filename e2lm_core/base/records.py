"""Domain records: question, task set, model, checkpoint, request, log-likelihood, value.

A record holds values and never reaches out: reading, checking and computing live in the layers above.
Missing is `None` (or NaN inside arrays), never 0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from e2lm_core.base.sentences import SentenceField
from e2lm_core.base.titles import title_of_metadata

CLOZE_TEXT = "Question: {{question}}\nAnswer:"
CLOZE_CHOICE = "{{choices}}"
LETTERS_TEXT = (
    "Question: {{question}}\n"
    "{% for choice in choices %}{{ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[loop.index0] }}. {{ choice }}\n{% endfor %}"
    "Answer:"
)
# If doc_to_text gives the index of a choice, the harness scores the target after each choice in turn.
# The target is then the question.
ENDING_TEXT, ENDING_TARGET = "answer", "question"
LETTERS_CHOICE = "{{ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[:choices|length] | list }}"

METRICS = ("acc", "acc_norm", "margin", "norm_prob", "bpb")
LOWER_IS_BETTER = frozenset({"bpb"})
# Shares of questions answered correctly: shown in percent, their differences in points.
SHARES = frozenset({"acc", "acc_norm"})
# Metrics with a chance level, which CS needs (docs/scores.md).
BOUNDED_METRICS = ("acc", "acc_norm", "norm_prob")
# Definitions of ranking consistency (RC), the default first (scores/ranking/readings.py).
RC_READINGS = ("organisers", "early_means", "first_place", "all_models")

ORIGIN_KEY = "chosen_by"  # key of a set's metadata: the rule that chose its questions


class Record(BaseModel):
    """Immutable base record, comparable by value and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the record with other fields; what was computed from the fields is computed anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


# --- question sets -----------------------------------------------------------------------------------


class Question(Record):
    """One question: a row of `test.jsonl` or `dev.jsonl`.

    A record may hold an invalid question while an author is still writing it. `check.structural_errors` finds
    the errors, and no invalid question is ever saved.

    Attributes:
        answer: Index of the right answer in `choices`, from 0.
        extra: Columns unknown to the studio, kept so that reading and writing a file loses nothing.
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
    """Question format: choices not shown (cloze), lettered, as beginnings of one ending, or custom.

    With `ending` the question is scored after each choice in turn, as in the harness's multiple-input tasks.
    """

    CLOZE = "cloze"
    LETTERS = "letters"
    ENDING = "ending"
    CUSTOM = "custom"


class SelectionOrigin(Record):
    """Origin of a set made by a selection rule.

    Attributes:
        rule: Name or text of the rule.
        source: Source that the rule was told to choose; None for none.
        parent: Address of the set that the rule chose of.
        parent_digest: Digest of that set's questions.
        models: Names of the models whose results the rule read; empty for a rule that read the questions alone, and
            for very many models.
        model_count: Number of these models.
        models_digest: Digest of their names where `models` leaves them out.
        families: Families of these models.
        earlier: Origin of the parent, if a rule made it as well.
        trial: Number of this choice among all that were tried on these questions, from 1; None if it was not counted.
    """

    rule: str
    source: str | None = None
    parent: str
    parent_digest: str
    models: tuple[str, ...] = ()
    model_count: int = 0
    models_digest: str | None = None
    families: tuple[str, ...] = ()
    earlier: SelectionOrigin | None = None
    trial: int | None = Field(default=None, ge=1)


class TaskConfig(Record):
    """Configuration of a set as in `<name>.yaml`, with the harness's keys and defaults."""

    task: str
    num_fewshot: int = 0
    description: str = ""
    doc_to_text: str = CLOZE_TEXT
    doc_to_choice: str | tuple[str, ...] = CLOZE_CHOICE
    doc_to_target: str = "answer"
    target_delimiter: str = " "
    fewshot_delimiter: str = "\n\n"
    fewshot_sampler: Literal["first_n", "default"] = "first_n"
    # Examples are dev questions or, without any, other test questions. With `fewshot_leaves_out` one more
    # example is drawn than is shown, so that the question itself can be left out.
    fewshot_split: Literal["dev", "test"] = "dev"
    fewshot_leaves_out: bool = False
    metadata: dict[str, Any] = Field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """All values except the name, as JSON values.

        Few-shot fields at their defaults are left out, so that the digests of older sets stay the same.
        """
        values = self.model_dump(mode="json", exclude={"task"})
        for field in ("fewshot_split", "fewshot_leaves_out"):
            if values[field] == type(self).model_fields[field].default:
                del values[field]
        return values

    @property
    def chosen_by(self) -> SelectionOrigin | None:
        """Origin kept in the metadata of a set made by a rule; None for others and if it cannot be read."""
        try:
            return SelectionOrigin.model_validate(self.metadata[ORIGIN_KEY])
        except (KeyError, ValidationError):
            return None

    @property
    def title(self) -> str:
        """Title of the set, in any script; "" without one."""
        return title_of_metadata(self.metadata)

    @property
    def style(self) -> PromptStyle:
        """Question format that the templates stand for; custom if they match none."""
        if (self.doc_to_text, self.doc_to_choice) == (LETTERS_TEXT, LETTERS_CHOICE):
            return PromptStyle.LETTERS
        if self.doc_to_text == ENDING_TEXT:
            known = (self.doc_to_choice, self.doc_to_target) == (CLOZE_CHOICE, ENDING_TARGET)
            return PromptStyle.ENDING if known else PromptStyle.CUSTOM
        if self.doc_to_choice in (CLOZE_CHOICE, "choices"):
            return PromptStyle.CLOZE
        return PromptStyle.CUSTOM


class TaskSet(Record):
    """A question set: configuration, test questions and the dev questions for few-shot prompts.

    Attributes:
        config: The set's configuration.
        questions: Test questions.
        dev: Questions that few-shot examples come from.
        readme: Text of the set's README.
        owner: Person who shares the set with the caller; None for an own set and for an example.
        zero_shot: Reason why no few-shot example can be shown, as a clause such as "its examples are drawn by
            code"; None if examples can be shown.
    """

    config: TaskConfig
    questions: tuple[Question, ...]
    dev: tuple[Question, ...] = ()
    readme: str = ""
    owner: str | None = Field(default=None, exclude=True)
    zero_shot: str | None = Field(default=None, exclude=True)

    @cached_property
    def questions_digest(self) -> str:
        """Digest of the questions' texts and choices, whatever their order, ids and answer keys."""
        rows = sorted(repr((q.question.strip(), sorted(q.choices))) for q in self.questions)
        return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @cached_property
    def digest(self) -> str:
        """Digest of the set's content, equal for equal content alone; the person who shares it is no part."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.config, self.readme, self.zero_shot, len(self.questions))).encode())
        for question in (*self.questions, *self.dev):
            digest.update(repr(tuple(question.__dict__.values())).encode())
        return digest.hexdigest()

    @property
    def fewshot_pool(self) -> tuple[Question, ...]:
        """Questions that few-shot examples are drawn from."""
        return self.dev if self.config.fewshot_split == "dev" else self.questions

    @property
    def max_fewshot(self) -> int:
        """Largest number of few-shot examples that a prompt can show."""
        return (
            max(0, len(self.fewshot_pool) - self.config.fewshot_leaves_out) if self.zero_shot is None else 0
        )

    def without_unused_fewshot(self) -> TaskSet:
        """The set as it can be saved.

        If no example can be shown, it has no few-shot settings and no dev questions.
        """
        if self.zero_shot is None:
            return self
        update = {"num_fewshot": 0, "fewshot_split": "dev", "fewshot_leaves_out": False}
        return self.model_copy(
            update={"config": self.config.model_copy(update=update), "dev": (), "zero_shot": None}
        )

    @property
    def name(self) -> str:
        """Name of the set, which is the name of its task."""
        return self.config.task

    @property
    def label(self) -> str:
        """Title of the set, or its address if it has none."""
        return self.config.title or self.address

    @property
    def address(self) -> str:
        """Address of the set in services and links: its name, or OWNER/NAME if it is shared."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


class Finding(Record):
    """One finding of a check; `severity` is for the export profile that was checked."""

    severity: Literal["error", "warning"]
    code: str  # stable, machine-readable: "gold_range", "repeated_choice", …
    sentence: SentenceField
    question_id: str | None = None


class RenderedDoc(Record):
    """A question as a model sees it: one context, and one continuation per choice, delimiter included.

    With an `ending` the order is reversed: each choice follows the context, and the ending, the same
    continuation every time, is scored after it.
    """

    question_id: str
    context: str
    continuations: tuple[str, ...]
    # Texts rendered by doc_to_choice, without the delimiter, because acc_norm divides by their length.
    choices: tuple[str, ...]
    gold: int
    ending: str | None = None  # without the delimiter

    @property
    def requests(self) -> tuple[tuple[str, str], ...]:
        """(context, continuation) of every choice, in the order of the choices."""
        if self.ending is None:
            return tuple((self.context, continuation) for continuation in self.continuations)
        pairs = zip(self.choices, self.continuations, strict=True)
        return tuple((self.context + choice, continuation) for choice, continuation in pairs)

    @property
    def scored_texts(self) -> tuple[str, ...]:
        """Scored text of every choice, without the delimiter; bpb counts its bytes."""
        return self.choices if self.ending is None else (self.ending,) * len(self.choices)


# --- checkpoints --------------------------------------------------------------------------------------


_PARTIAL_SEED = re.compile(r"(?:^|[-_.])(?:data|weight)[-_]seed|\(seed (?:data|weight)[-_]", re.I)


class ModelInfo(Record):
    """A model, whose checkpoints form one learning curve."""

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
        """Name without the prefix of its family, for labels with little room."""
        return self.name.removeprefix(f"{self.family}-")

    @property
    def counts_in_scores(self) -> bool:
        """Whether the model enters the means of SQ, RC and SNR: web-only twins and extra seeds do not."""
        return self.twin_of is None and self.seed_of is None

    @property
    def is_partial_seed(self) -> bool:
        """Whether the order of the data alone, or the initial weights alone, differ from the model of `seed_of`.

        PolyPythias says so in a model's name. Such a model moves less than one that is trained again.
        """
        return self.seed_of is not None and _PARTIAL_SEED.search(self.name) is not None

    @property
    def shape(self) -> tuple[str, str, str] | None:
        """Size, architecture and role of a model from a folder; None where they are not known.

        The number of parameters stands for a size or an architecture that is not declared. The models of a
        public family may differ in their data alone, which their catalogue knows.
        """
        size, arch = self.size or self.parameters, self.arch or self.parameters
        if self.family != "local" or size is None or arch is None:
            return None
        return str(size).lower(), str(arch).lower(), self.role


class Checkpoint(Record):
    """State of a model in training, identified by its place and its step, never by a bare path.

    Attributes:
        model: The model in training.
        step: Training step.
        tokens_seen: Training tokens up to this step; None if unknown.
        early: Whether the checkpoint lies in the early window; None if the family names no window.
        extra: Whether the default fleet leaves the checkpoint out.
        directory: Local folder; None until it is unpacked or downloaded.
        packed: File that an embedded checkpoint is unpacked from; None for others.
        repo: Hub repository; None for a local checkpoint.
        revision: Revision in the repository.
        subfolder: Folder within the repository.
    """

    model: ModelInfo
    step: int
    tokens_seen: int | None = None
    early: bool | None = None
    extra: bool = False
    directory: Path | None = None
    packed: Path | None = None
    repo: str | None = None
    revision: str | None = None
    subfolder: str | None = None

    @property
    def name(self) -> str:
        """Name such as `model/iter_0002000`: unique in a catalogue, and matched by glob patterns."""
        return f"{self.model.name}/{self.subfolder or f'iter_{self.step:07d}'}"


class Scope(Record):
    """Part of a result's key that is about the model and how it is run, not about the text."""

    fingerprint: str  # repo@sha/subfolder on a hub, sha256 of weights, config and tokenizer for a folder
    dtype: str
    max_length: int
    bos: str  # the BOS rule, for instance "none" or "prepend:1"
    scoring_version: int


# --- scoring ------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """One scoring request: log p(continuation | context)."""

    context: str
    continuation: str


class Loglikelihood(NamedTuple):
    """Log-likelihood of a continuation.

    Attributes:
        ll_nats: Natural logarithm, summed over the tokens of the continuation.
        tokens: Number of these tokens.
    """

    ll_nats: float
    tokens: int


class ScoredChunk(list[tuple[int, Loglikelihood]]):
    """(index, result) of the requests that were computed together, with the tokens it took.

    Attributes:
        tokens: Tokens that went through the model for these requests, without padding.
        harness_tokens: Tokens that lm-evaluation-harness would send instead: context and continuation anew
            for every request, cut to the window.
    """

    def __init__(
        self, results: Iterable[tuple[int, Loglikelihood]] = (), tokens: int = 0, harness_tokens: int = 0
    ) -> None:
        super().__init__(results)
        self.tokens, self.harness_tokens = tokens, harness_tokens


class NullDistribution(Record):
    """Distribution of a score under random answers to the same questions.

    Attributes:
        mean: Mean of the score.
        q95: 95% point of the score.
        p: Share of draws whose score is at least as high as the observed one.
    """

    mean: float
    q95: float
    p: float


class Value(Record):
    """A score that may be undefined.

    Attributes:
        value: The score; None if it is undefined.
        why: Reason why `value` is None or, if there is a value, why it has no interval.
        interval: 95% interval (low, high); None if no method covers.
        coverage: Measured coverage of the interval.
        kind: Kind of set for which the coverage was measured, if it was measured by kinds.
        null: The score's distribution under random answers; None if unknown.
    """

    value: float | None
    why: SentenceField | None = None
    interval: tuple[float, float] | None = None
    coverage: float | None = None
    kind: str | None = None
    null: NullDistribution | None = None


class SignalQuality(Record):
    """The organisers' signal quality of one curve, with figures that show its edge cases.

    Attributes:
        rho: Official Spearman's rho; None if undefined.
        autocorrelation: Official autocorrelation; None if undefined.
        sq: Official signal quality; None if undefined.
        points: Number of points of the curve that entered.
        spearman: Spearman's rho that accounts for ties.
        signed_autocorrelation: Autocorrelation that keeps its sign.
        why: Reason why an official figure is undefined.
    """

    rho: float | None
    autocorrelation: float | None
    sq: float | None
    points: int
    spearman: float | None = None
    signed_autocorrelation: float | None = None
    why: SentenceField | None = None


Json = Mapping[str, Any]
