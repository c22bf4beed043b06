"""Self-check: compares packed with plain scoring on a probe.

    |packed − plain| ≤ absolute · √tokens + relative · |ll|        for every request of the probe

The engine's own forward is tried first, then transformers' modules with the tree's attention, then their own
forward from the state after a context. A way that differs by more, or cannot compute the model, is not used
for that configuration, and the run's record says so. The probe has trunks and branches and is the same
whatever was scored before; weights near zero are replaced (see `probe`). Running out of memory decides
nothing.
Tested in tests/engine/check/test_selfcheck.py, tests/engine/test_scorer.py and tests/engine/forward/test_recipes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.base.errors import LimitError
from e2lm_core.base.sentences import Sentence
from e2lm_core.engine.batches.plan import Row, plan_plain
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.check import config_rules
from e2lm_core.engine.check.probe import Probe, as_if_trained, probe_of
from e2lm_core.engine.check.verdict import Verdict
from e2lm_core.engine.folder import first_line, window
from e2lm_core.engine.forward import attention, forward
from e2lm_core.engine.forward.decoder import Rotary
from e2lm_core.engine.forward.recipes import NoRecipeError
from e2lm_core.engine.forward.states import StateBody
from e2lm_core.engine.forward.tensors import prepare
from e2lm_core.engine.machine import is_out_of_memory
from e2lm_core.engine.models import LoadedModel

# (absolute, relative): float32 has the parity bound of the tests; below it both ways round differently.
TOLERANCE = {torch.float32: (1e-4, 2e-6), torch.float16: (2e-2, 4e-3), torch.bfloat16: (1e-1, 3e-2)}
_FAR = 2**31  # tokens: a text longer than any window
_TRIED = 4_096  # tokens of a window: trying a longer one takes too long
_ACROSS, _PAST = 3, 40  # tokens before a window's end, and after it
_SAID = {
    "engine": ("the engine's own forward", "plain batches"),
    "stacked": ("the engine's own forward of several", "plain batches"),
    "library": ("packed rows", "them"),
    "state": ("what goes on from a state", "plain batches"),
}


def compare(model: LoadedModel, device: torch.device, dtype: torch.dtype) -> Verdict:
    """Verdict of a configuration: the first packed way that agrees with plain batches, else plain batches.

    Ways are judged in float32 on weights as of a trained model, then in `dtype` if that differs.

    Args:
        model: A checkpoint of the configuration.
        device: Device to compute on.
        dtype: Type that runs compute in.

    Raises:
        LimitError: Memory ran out.
    """
    kind = model.config.model_type
    try:
        probe, trained = _probe(model), as_if_trained(model)
        exact = trained.skeletons.dtype
        reference = _plainly(trained, probe.encoded, device)
        by_default = _plainly(trained, probe.encoded, device, cached=True)
        with model.module() as module:
            rotary = Rotary.from_module(module)
    except Exception as error:
        _raise_for_memory(error, model, device)
        # The cause is left to the run: its batches either raise the same error or succeed.
        return Verdict(
            "plain", f"{kind} models are scored one text at a time: {first_line(error)}.", alone=True
        )
    worst, allowed = _worst(by_default, reference, probe.encoded, exact)
    if worst > allowed:
        return Verdict(
            "plain",
            f"{kind} models are scored one text at a time, with the cache that changes their numbers.",
            alone=True,
            cached=True,
        )
    reasons: list[str] = []  # of each way in turn
    for verdict in (
        Verdict("engine", f"{kind} models are scored by the engine's own forward.", rotary),
        Verdict("library", f"{kind} models are scored packed through transformers' own layers: "),
        *_from_state(kind),
    ):
        try:
            reach = _reach(trained, verdict, probe, device, exact)
            reason = _difference(trained, verdict, probe, reference, device, exact)
            if reason is None and dtype != exact:
                own = _plainly(model, probe.encoded, device)
                reason = _difference(model, verdict, probe, own, device, dtype)
        # Any error of an unknown architecture with a packed row leaves plain batches, which still work.
        except Exception as error:
            _raise_for_memory(error, model, device)
            reasons.append(_reason(error))
            continue
        if reason is None:
            why = "".join(f"{r}." for r in reasons[: 1 if verdict.way == "library" else 2][-1:])
            stacks = verdict.way == "engine" and _stacks(trained, verdict, probe, reference, device, exact)
            return replace(
                verdict, sentence=verdict.sentence + why, reach=reach, stacks=stacks and dtype == exact
            )
        reasons.append(reason)
    return plainly_or_alone(trained, reasons[1], device)


def beyond(model: LoadedModel, reach: int, device: torch.device) -> Verdict | None:
    """Verdict for texts longer than a window or chunk of `reach` tokens; None if no way is known.

    Scoring from a state is tried across the window's end and beyond it; None if it fails or would take too
    long. Models that choose among far tokens are scored one text at a time, because other texts in the batch
    may flip the choice.

    Args:
        model: A checkpoint of the configuration.
        reach: Tokens of the window or chunk.
        device: Device to compute on.

    Raises:
        LimitError: Memory ran out.
    """
    try:
        config_rules.refuse_late(model.config.get_text_config())
    except attention.UnsupportedError as error:
        said = (
            f"{model.config.model_type} models are scored one text at a time beyond {reach} tokens: {error}."
        )
        return Verdict("plain", said, alone=True)
    if reach > _TRIED:
        return None
    kind, trained = model.config.model_type, as_if_trained(model)
    exact = trained.skeletons.dtype
    try:
        config_rules.refuse_positions(model.config.get_text_config())
        probes = [_probe(trained, shared) for shared in (max(2, reach - _ACROSS), reach + _PAST)]
        references = [_plainly(trained, probe.encoded, device) for probe in probes]
    except Exception as error:
        _raise_for_memory(error, model, device)
        return None
    for verdict in _from_state(kind):
        try:
            reasons = [
                _difference(trained, verdict, probe, reference, device, exact)
                for probe, reference in zip(probes, references, strict=True)
            ]
        except Exception as error:
            _raise_for_memory(error, model, device)
            continue
        if not any(reasons):
            said = f"their attention slides over {reach} tokens."
            return replace(verdict, sentence=verdict.sentence + said)
    return None


def _from_state(kind: str) -> tuple[Verdict, ...]:
    said = f"{kind} models are scored from the state after a question's context"
    return (
        Verdict("state", said + ": "),
        Verdict("state", said + ": ", placed=False),
        Verdict("state", said + ", one token at a time: ", singly=True),
    )


def holds(model: LoadedModel, verdict: Verdict, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a checkpoint's own weights agree with plain batches when scored by a verdict.

    Args:
        model: The checkpoint.
        verdict: Verdict of its configuration.
        device: Device to compute on.
        dtype: Type that runs compute in.

    Raises:
        LimitError: Memory ran out.
    """
    try:
        probe = _probe(model)
        reference = _plainly(model, probe.encoded, device, together=True)
        return _difference(model, verdict, probe, reference, device, dtype) is None
    except Exception as error:
        _raise_for_memory(error, model, device)
        return False


def plainly_or_alone(
    model: LoadedModel, reason: str, device: torch.device, reach: int | None = None
) -> Verdict:
    """Verdict for plain batches; for one text at a time if the probe's texts change each other's results.

    Args:
        model: A checkpoint of the configuration.
        reason: Reason for the run's record.
        device: Device to compute on.
        reach: With a number, the verdict is for texts of more than so many tokens; the probe's texts are
            longer than that, as far as that can be tried.

    Raises:
        LimitError: Memory ran out.
    """
    kind = model.config.model_type
    dtype = model.skeletons.dtype
    alone = Verdict(
        "plain",
        f"{kind} models are scored one text at a time, since what stands beside it changes its numbers: "
        f"{reason}.",
        alone=True,
    )
    try:
        config_rules.refuse_positions(model.config.get_text_config())
        shared = () if reach is None or reach > _TRIED else (reach + _PAST,)
        encoded = _probe(model, *shared).encoded
        beside = _plainly(model, encoded, device, together=True)
        singly = _plainly(model, encoded, device)
    except Exception as error:
        _raise_for_memory(error, model, device)
        return alone
    worst, allowed = _worst(beside, singly, encoded, dtype)
    if not worst <= allowed:
        return alone
    return Verdict("plain", f"{kind} models are scored in plain batches: {reason}.")


def _probe(model: LoadedModel, *shared: int) -> Probe:
    with model.module() as module:
        vocabulary = len(module.get_input_embeddings().weight)
    return probe_of(model.config.get_text_config(), vocabulary, window(model.config, None), *shared)


def _plainly(
    model: LoadedModel,
    encoded: Sequence[Encoded],
    device: torch.device,
    cached: bool = False,
    together: bool = False,
) -> NDArray[np.float64]:
    """Log-likelihoods [R] of R requests by the reference, one text at a time or all in one batch."""
    found = np.zeros(len(encoded))
    rows = [row for chunk in plan_plain(encoded, 1).chunks for row in chunk.rows]
    with model.module() as module:
        for batch in [rows] if together else [[row] for row in rows]:
            _add(found, batch, forward.plain(module, batch, device, cached))
    return found


def _add(found: NDArray[np.float64], rows: Sequence[Row], logs: NDArray[np.float32]) -> None:
    np.add.at(found, np.concatenate([row.requests for row in rows]), logs.astype(np.float64))


def _reach(
    model: LoadedModel, verdict: Verdict, probe: Probe, device: torch.device, dtype: torch.dtype
) -> int | None:
    """Tokens that every layer sees; raises an error if this way cannot compute the model."""
    config = model.config.get_text_config()
    config_rules.refuse_positions(config)
    if verdict.way == "engine":
        return None  # a recipe takes no window
    if verdict.way == "state":
        return config_rules.reach(config, scans=False)
    config_rules.refuse_layers(config)
    least = config_rules.reach(config)
    with model.module() as module:
        if not getattr(module, "_supports_attention_backend", False):
            raise attention.UnsupportedError("their attention cannot be exchanged")
    with verdict.body(model, probe.plans[-1]) as body:
        assert not isinstance(body, StateBody)
        batch = prepare(probe.plans[-1].chunks[0].rows, device, dtype)
        while True:
            try:
                forward.packed(body, replace(batch, depth=_FAR if least is None else least))
                break
            except attention.WindowError as error:  # a window of a layer that the configuration lacks
                least = error.window
    if least is not None and least < batch.depth:
        raise attention.WindowError(least)
    return least


def _difference(
    model: LoadedModel,
    verdict: Verdict,
    probe: Probe,
    reference: NDArray[np.float64],
    device: torch.device,
    dtype: torch.dtype,
) -> str | None:
    for plan in probe.contexts if verdict.way == "state" else probe.plans:
        found = np.zeros(len(probe.encoded))
        with verdict.body(model, plan) as body:
            states = None
            for trunk in plan.trunks:  # each trunk follows the one before
                states = forward.trunk_states(body, trunk, states, device)
            for chunk in plan.chunks:
                if isinstance(body, StateBody):
                    logs = body.scored(chunk.rows, states, device)
                else:
                    logs = forward.packed(body, prepare(chunk.rows, device, dtype), states)
                _add(found, chunk.rows, logs)
        worst, allowed = _worst(found, reference, probe.encoded, dtype)
        if not worst <= allowed:
            what, than = _SAID[verdict.way]
            return f"{what} differed from {than} by {worst:.2g} nats, {allowed:.2g} are allowed"
    return None


def _stacks(model: LoadedModel, verdict: Verdict, *arguments: Any) -> bool:
    """Whether the forward of several checkpoints gives the same on a CPU."""
    if model.skeletons.device.type != "cpu":
        return False
    try:
        return _difference(model, replace(verdict, way="stacked"), *arguments) is None
    except NoRecipeError:  # a norm or a product may have no form for several checkpoints
        return False


def _worst(
    found: NDArray[np.float64], reference: NDArray[np.float64], encoded: Sequence[Encoded], dtype: torch.dtype
) -> tuple[float, float]:
    """(difference, tolerance) of the request that is furthest beyond its tolerance."""
    absolute, relative = TOLERANCE[dtype]
    allowed = absolute * np.sqrt([len(e.targets) for e in encoded]) + relative * np.abs(reference)
    differences = np.abs(found - reference)
    at = int(np.argmax(np.where(np.isfinite(differences), differences / allowed, np.inf)))
    return float(differences[at]), float(allowed[at])


def _raise_for_memory(error: Exception, model: LoadedModel, device: torch.device) -> None:
    """Raise `LimitError` if memory ran out, which says nothing about a configuration."""
    if is_out_of_memory(error):
        raise LimitError(
            Sentence(
                "{name} does not fit into the memory of {device} beside what it is checked with; use a smaller "
                "model, a smaller dtype or another device.",
                name=model.directory.name,
                device=device,
            )
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, NoRecipeError | attention.UnsupportedError):
        return str(error)
    return first_line(error)
