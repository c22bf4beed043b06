"""Prompt lengths in the tokens of the models that an export is for.

Counted by a model's own tokenizer where it is on this computer, else estimated from the text's bytes.
Tested in tests/export/test_submission.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from e2lm_core.base import formatting
from e2lm_core.base.errors import CheckpointError, StudioError, TaskError
from e2lm_core.base.records import Checkpoint, Finding, RenderedDoc, Request, TaskSet
from e2lm_core.checkpoints import family_catalogue
from e2lm_core.runs import state
from e2lm_core.runs.start import latest_job
from e2lm_core.runs.studio import Studio
from e2lm_core.sets.checks.check import Profile
from e2lm_core.sets.checks.context_window import PromptLengths

BYTES_PER_TOKEN = 4.0  # of English text in a vocabulary of 50,000 words and more
COMPETITION = "e2lm"  # the family whose tokens its rules count
# The longest input of families whose models read one length, by their configurations.
WINDOWS = {"pythia": 2_048, "datadecide": 2_048}
_MOST_TOKENS_PER_BYTE = 2.0


class _Reader(NamedTuple):
    """Somebody who reads prompts: a checkpoint's model, or a family that is not here, of a known `window`."""

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
    """The lengths for every model that matters, and a warning for each whose lengths are not known.

    Those are the models that the set was last run on, or with `tokens_of` those of that name or family, and under
    the competition's rules its own. Embedded models warn alone, unless they are named.

    Raises:
        StudioError: `tokens_of` is no model on this computer, and no family of a known window.
    """
    readers = _named(studio, tokens_of) if tokens_of else _of_last_run(studio, task)
    if profile == "competition":
        readers = [*readers, _competition(studio)]
    longest = [Request(*max(doc.requests, key=lambda pair: len("".join(pair)))) for doc in rendered]
    lengths: dict[tuple[object, ...], list[PromptLengths]] = {}
    unknown: list[Finding] = []
    for reader in readers:
        try:
            found = _lengths(studio, reader, longest)
        except CheckpointError as error:
            sentence = f"The prompts' lengths in tokens of {reader.name} are not checked: {error}"
            unknown.append(Finding(severity="warning", code="length_unknown", sentence=sentence))
        else:
            lengths.setdefault((found.tokens, found.window, found.severity), []).append(found)
    return [_joined(alike) for alike in lengths.values()], unknown


def _joined(alike: Sequence[PromptLengths]) -> PromptLengths:
    """Models that count alike and read as much, as one."""
    first = alike[0]
    if len(alike) == 1:
        return first
    return first._replace(reader=f"{first.reader} and {formatting.count(len(alike) - 1, 'other model')}")


def _of_last_run(studio: Studio, task: TaskSet) -> list[_Reader]:
    """The models of the set's last run, of the embedded ones one; before it the embedded ones alone."""
    try:
        fleet, _ = state.fleet_of_set(studio, task.address)
        job = latest_job(studio, task.address, progress=False)
    except TaskError:  # a set that lies outside the collection
        fleet, job = studio.local_checkpoints, None
    ran = set() if job is None else set(job.payload.get("fleet") or job.payload["checkpoints"])
    last = {c.model.name: c for c in fleet}
    embedded = [c for c in last.values() if c.packed is not None][:1]
    others = [c for c in last.values() if c.packed is None and c.name in ran]
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
        f"Prompts cannot be counted in the tokens of {formatting.quote(name)}: use a model on this computer ({models}), "
        f"or one of the families {', '.join(families)}."
    )


def _competition(studio: Studio) -> _Reader:
    """The competition's own models: one that is here for its tokenizer, and the limit of its rules."""
    own = next((c for c in studio.local_checkpoints if _family(c) == COMPETITION), None)
    limit = studio.settings.limits.max_prompt_tokens
    return _Reader("the competition's models", "error", own, limit)


def _family(checkpoint: Checkpoint) -> str:
    found = family_catalogue.split_model_name(checkpoint.model.name)
    return checkpoint.model.family if found is None else found[0].key


def _lengths(studio: Studio, reader: _Reader, longest: Sequence[Request]) -> PromptLengths:
    """Raises `CheckpointError` where the model's tokenizer or window cannot be read."""
    checkpoint, sizes = reader.checkpoint, [len("".join(request).encode()) for request in longest]
    window = reader.window
    if window is None:
        assert checkpoint is not None
        window = studio.backend.window(checkpoint)
    is_here = checkpoint is not None and checkpoint.name in {c.name for c in studio.local_checkpoints}
    if checkpoint is None or not is_here:
        estimates = tuple(math.ceil(size / BYTES_PER_TOKEN) for size in sizes)
        return PromptLengths(estimates, window, reader.name, reader.severity, is_estimate=True)
    # A prompt that cannot come near a limit is not counted.
    least = min(window, studio.catalogue.trained_context or window) if checkpoint.packed else window
    places = [place for place, size in enumerate(sizes) if size * _MOST_TOKENS_PER_BYTE > least]
    counted = dict(
        zip(places, studio.backend.prompt_tokens(checkpoint, [longest[p] for p in places]), strict=True)
        if places
        else ()
    )
    tokens = tuple(counted.get(place, 0) for place in range(len(sizes)))
    return PromptLengths(
        tokens, window, reader.name, reader.severity, is_embedded=checkpoint.packed is not None
    )
