"""Prompt lengths in the tokens of the models that an export is for.

They are counted by a model's own tokenizer if it is on this computer, else estimated from the text's bytes.
Tested in tests/export/test_submission.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from e2lm_core.base import formatting
from e2lm_core.base.errors import CheckpointError, StudioError, TaskError
from e2lm_core.base.records import Checkpoint, Finding, RenderedDoc, Request, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints import family_catalogue
from e2lm_core.runs import state
from e2lm_core.runs.fleets import HERE, OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.checks.check import Profile
from e2lm_core.sets.checks.context_window import PromptLengths

BYTES_PER_TOKEN = 4.0  # for English text and a vocabulary of 50,000 entries or more
COMPETITION = "e2lm"  # the family whose tokens the competition's rules count
# Context windows of families whose models share one, from their configurations.
WINDOWS = {"pythia": 2_048, "datadecide": 2_048}
_MAX_TOKENS_PER_BYTE = 2.0


class _Reader(NamedTuple):
    """A model whose context window prompts must fit.

    Attributes:
        name: Name of the model or family in sentences.
        severity: Severity of a prompt that is too long.
        checkpoint: One of its checkpoints; None for a family that is not on this computer.
        window: Context window in tokens; None for the checkpoint's own.
    """

    name: str
    severity: Literal["error", "warning"]
    checkpoint: Checkpoint | None = None
    window: int | None = None


def measure_prompt_lengths(
    studio: Studio,
    task: TaskSet,
    rendered: Sequence[RenderedDoc],
    profile: Profile = "plain",
    tokens_of: str | None = None,
) -> tuple[list[PromptLengths], list[Finding]]:
    """Prompt lengths for every model that matters, and a warning for each whose lengths are unknown.

    These are the models of the set's last run, or with `tokens_of` those of that name or family, and under
    the competition's rules also its own. Built-in mini models only warn, unless they are named, of prompts that
    they read without their beginning.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        rendered: Its questions as prompts.
        profile: Rules to check against: `plain` or `competition`.
        tokens_of: Model or family whose tokens are counted; None for the models of the last run.

    Raises:
        StudioError: `tokens_of` is neither a model on this computer nor a family with a known context window.
    """
    readers = _named(studio, tokens_of) if tokens_of else _of_last_run(studio, task)
    if profile == "competition":
        readers = [*readers, _competition(studio)]
    longest = [Request(*max(doc.requests, key=lambda pair: len("".join(pair)))) for doc in rendered]
    choices = [Request(*max(doc.requests, key=lambda pair: len(pair[1]))) for doc in rendered]
    lengths: dict[tuple[object, ...], list[PromptLengths]] = {}
    unknown: list[Finding] = []
    for reader in readers:
        try:
            found = _lengths(studio, reader, longest, choices)
        except CheckpointError as error:
            sentence = f"The prompts' lengths in tokens of {reader.name} are not checked: {error}"
            unknown.append(Finding(severity="warning", code="length_unknown", sentence=sentence))
        else:
            alike = found.tokens, found.choices, found.window, found.severity
            lengths.setdefault(alike, []).append(found)
    return [_joined(found) for found in lengths.values()], unknown


def _joined(alike: Sequence[PromptLengths]) -> PromptLengths:
    """Lengths of models with equal counts and context windows as one entry."""
    first = alike[0]
    if len(alike) == 1:
        return first
    return first._replace(reader=f"{first.reader} and {formatting.count(len(alike) - 1, 'other model')}")


def _of_last_run(studio: Studio, task: TaskSet) -> list[_Reader]:
    """Models of the set's fleet and one built-in mini model; only the latter if no fleet was chosen or run."""
    try:
        fleet = state.fleet_of_set(studio, task.address)
    except TaskError:  # the set lies outside the collection
        fleet = OpenFleet(HERE, studio.local_checkpoints)
    last = {c.model.name: c for c in fleet.checkpoints}
    embedded = [c for c in last.values() if c.packed is not None][:1]
    others = [c for c in last.values() if c.packed is None and fleet.name != HERE]
    return [
        *(_Reader(c.model.name, "error", c) for c in others),
        *(_Reader(c.model.name, "warning", c) for c in embedded),
    ]


def _named(studio: Studio, name: str) -> list[_Reader]:
    here = {c.model.name: c for c in studio.local_checkpoints}
    chosen = [c for c in here.values() if name in (c.model.name, c.model.short_name, _family(c))]
    if chosen:
        return [_Reader(c.model.name, "error", c) for c in chosen]
    if name == COMPETITION:
        return [_competition(studio)]
    if name in WINDOWS:
        return [_Reader(name, "error", window=WINDOWS[name])]
    families = sorted({COMPETITION, *WINDOWS})
    models = formatting.join_words(sorted(here)) or "none"
    raise StudioError(
        Sentence(
            "Prompts cannot be counted in the tokens of {name}: use a model on this computer ({models}), or one of "
            "the families {families}.",
            name=formatting.quote(name),
            models=models,
            families=", ".join(families),
        )
    )


def _competition(studio: Studio) -> _Reader:
    """The competition's own models: a local checkpoint for its tokenizer, and the limit of the rules."""
    own = next((c for c in studio.local_checkpoints if _family(c) == COMPETITION), None)
    limit = studio.settings.limits.max_prompt_tokens
    return _Reader("the competition's models", "error", own, limit)


def _family(checkpoint: Checkpoint) -> str:
    found = family_catalogue.split_model_name(checkpoint.model.name)
    return checkpoint.model.family if found is None else found[0].key


def _lengths(
    studio: Studio, reader: _Reader, longest: Sequence[Request], choices: Sequence[Request]
) -> PromptLengths:
    """Lengths of prompts for one model. Raises CheckpointError if its tokenizer or window cannot be read."""
    checkpoint, sizes = reader.checkpoint, [len("".join(request).encode()) for request in longest]
    alone = [len(request.continuation.encode()) for request in choices]
    window = reader.window
    if window is None:
        assert checkpoint is not None
        window = studio.backend.window(checkpoint)
    is_here = checkpoint is not None and checkpoint.name in {c.name for c in studio.local_checkpoints}
    if checkpoint is None or not is_here:
        tokens, of_choices = (
            tuple(math.ceil(size / BYTES_PER_TOKEN) for size in some) for some in (sizes, alone)
        )
        return PromptLengths(
            tokens, window, reader.name, reader.severity, is_estimate=True, choices=of_choices
        )
    # Prompts far below the limit are not tokenized, which takes time.
    least = min(window, studio.catalogue.trained_context or window) if checkpoint.packed else window
    tokens = _counts(studio, checkpoint, longest, sizes, least)
    whole = _counts(studio, checkpoint, choices, alone, window)
    # The prompt with a choice of one token: what it has less is the choice alone.
    shortest = [request._replace(continuation=" a") for request in choices]
    before = _counts(studio, checkpoint, shortest, alone, window)
    return PromptLengths(
        tokens,
        window,
        reader.name,
        reader.severity,
        is_embedded=checkpoint.packed is not None,
        choices=tuple(count and count - less + 1 for count, less in zip(whole, before, strict=True)),
    )


def _counts(
    studio: Studio, checkpoint: Checkpoint, requests: Sequence[Request], sizes: Sequence[int], least: int
) -> tuple[int, ...]:
    """Tokens of each request, 0 for those whose size in bytes is far below `least` tokens."""
    places = [place for place, size in enumerate(sizes) if size * _MAX_TOKENS_PER_BYTE > least]
    counted = studio.backend.prompt_tokens(checkpoint, [requests[p] for p in places]) if places else ()
    by_place = dict(zip(places, counted, strict=True))
    return tuple(by_place.get(place, 0) for place in range(len(sizes)))
