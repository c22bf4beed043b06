"""Scorer: log-likelihoods of encoded requests, in packed batches where verified."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from e2lm_core.base.errors import Cancelled, CheckpointError, LimitError
from e2lm_core.base.memory.memo import Memo
from e2lm_core.base.records import Loglikelihood, ScoredChunk
from e2lm_core.base.sentences import Sentence
from e2lm_core.engine.batches.contexts import plan_contexts
from e2lm_core.engine.batches.plan import Chunk, Plan, Row, plan_plain
from e2lm_core.engine.batches.tokenise import Encoded
from e2lm_core.engine.batches.tree import plan_prefixes, plan_tree
from e2lm_core.engine.check.selfcheck import beyond, compare, holds, plainly_or_alone
from e2lm_core.engine.check.verdict import Verdict
from e2lm_core.engine.folder import first_line
from e2lm_core.engine.forward import attention, forward, stack
from e2lm_core.engine.forward.states import StateBody
from e2lm_core.engine.forward.tensors import prepare
from e2lm_core.engine.forward.trunks import Trunks
from e2lm_core.engine.machine import batch_tokens, in_order, is_out_of_memory
from e2lm_core.engine.models import LoadedModel

Compute = Callable[[Chunk, Sequence[Row]], NDArray[np.float32]]
Results = list[tuple[int, Loglikelihood]]
_PLAIN_LOGIT_BYTES = 256 * 2**20
_SINGLY = 4  # factor of a batch's tokens for models that take one token of each text at a time
_KEPT_PLANS = 20  # plans, because a ladder's models differ in batch and row sizes
_KEPT_TENSOR_BYTES = 64 * 2**20  # of a plan: beyond it batches are prepared anew for every checkpoint
# For so few tokens of so small a model, starting an operation takes as long as the operation itself, so that
# checkpoints are computed together (`stack`).
STACKED_TOKENS, STACKED_PARAMETERS = 1_024, 2_000_000
_STACKED_HIDDEN = 64  # hidden size for which batches of stacked checkpoints are planned
_STACKED_LOGITS = 2**23  # logits that stacked checkpoints compute at a time
_CANCELLED = "The run was cancelled; what it had computed is kept."


class Scorer:
    """Scorer of encoded requests on one device.

    It remembers its verdicts and the batch sizes that fit into memory. `at_once` chunks are computed side by
    side, of one model or of several that are scored from threads of their own: one thread per chunk keeps
    cores busier than several threads in every product.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, at_once: int = 1) -> None:
        attention.register()
        self.device, self.dtype = device, dtype
        self._at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, "chunk", initializer=torch.get_num_threads)
        self._verdicts: dict[tuple[str, ...], Verdict] = {}  # by configuration and weights' names
        self._far: dict[tuple[str, ...], Verdict] = {}  # for prompts longer than the attention's reach
        self._deciding: dict[tuple[str, ...], threading.Lock] = {}
        # Checkpoints that transformers computes packed or from a state are checked one by one.
        self._own: WeakKeyDictionary[LoadedModel, Verdict] = WeakKeyDictionary()
        self._said: set[str] = set()
        self._most_tokens: dict[str, int] = {}  # by configuration, learnt when memory ran out
        self._plans: Memo[tuple[object, ...], Plan] = Memo(_KEPT_PLANS, lambda *_: 1)
        self._stacks = stack.Stacks()
        self._lock = threading.RLock()

    def notes(self) -> list[str]:
        """Sentences for a run's record about how it was computed."""
        cut = "Batches are cut to {:,} tokens, since memory of {} ran out."
        return sorted(self._said | {cut.format(most, self.device) for most in self._most_tokens.values()})

    def score(
        self,
        model: LoadedModel,
        encoded: Sequence[Encoded],
        text: tuple[object, ...],
        skip: Collection[int] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[ScoredChunk]:
        """Yield each chunk's results as it is done.

        A result is (index in `encoded`, log-likelihood in nats). A chunk also has the tokens that were
        computed and those that lm-evaluation-harness would have computed.

        Args:
            model: The checkpoint.
            encoded: The requests as tokens.
            text: Key that identifies `encoded`, so that checkpoints share plans.
            skip: Indexes of requests; a chunk with only such requests is left out.
            cancelled: Tells whether the run was cancelled; then no further batch is begun.

        Raises:
            Cancelled: `cancelled` returned true; batches that had begun are yielded first.
            LimitError: Not even one row fits into memory.
            CheckpointError: The model's forward in transformers takes no plain text.
        """
        plan, verdict = self._planned(model, encoded, text)
        if self._is_stacked(model, plan, verdict):  # the same to the last bit as beside other checkpoints
            yield from (one for (one,) in self.score_all([model], encoded, text, skip, cancelled))
            return
        done, counted = frozenset(skip), set[int]()
        todo = [chunk for chunk in plan.chunks if not (done and done.issuperset(chunk.requests))]
        # Some modules of transformers change their rotary frequencies in every call, so that threads must not
        # share one; for scoring from states each thread has its own module.
        side_by_side = self._at_once > 1 and len(todo) > 1 and verdict.way in ("engine", "state")
        stop = threading.Event()

        def tasks(compute: Compute) -> Iterator[Callable[[], Results]]:
            for chunk in todo:
                if cancelled is not None and cancelled():
                    stop.set()  # neither this chunk nor any chunk that waits for a core begins
                yield partial(self._chunk, model, chunk, compute, stop)

        with self._computing(model, plan, verdict) as compute:
            results_of = self._in_order if side_by_side else _one_by_one
            for chunk, results in zip(todo, results_of(tasks(compute)), strict=False):
                yield ScoredChunk(
                    results,
                    tokens=chunk.tokens + plan.trunk_tokens(chunk.trunk, counted),
                    harness_tokens=sum(len(encoded[index].inputs) for index, _ in results),
                )

    def stacks(self, model: LoadedModel, encoded: Sequence[Encoded], text: tuple[object, ...]) -> bool:
        """Whether checkpoints of this model's configuration are scored together by `score_all`."""
        return self._is_stacked(model, *self._planned(model, encoded, text))

    def _is_stacked(self, model: LoadedModel, plan: Plan, verdict: Verdict) -> bool:
        small = model.parameters <= STACKED_PARAMETERS
        return verdict.stacks and small and plan.computed_tokens <= STACKED_TOKENS

    def score_all(
        self,
        models: Sequence[LoadedModel],
        encoded: Sequence[Encoded],
        text: tuple[object, ...],
        skip: Collection[int] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[tuple[ScoredChunk, ...]]:
        """Yield each chunk's results for several checkpoints of one configuration, computed at once.

        This applies only where `stacks` is true. No result depends on which other checkpoints are in the
        group.

        Args:
            models: The checkpoints.
            encoded: The requests as tokens.
            text: Key that identifies `encoded`.
            skip: Indexes of requests; a chunk with only such requests is left out.
            cancelled: Tells whether the run was cancelled; then no further batch is begun.

        Returns:
            For each chunk a tuple with one `ScoredChunk` per checkpoint, in the order of `models`.

        Raises:
            Cancelled: `cancelled` returned true.
            LimitError: A batch does not fit into memory.
        """
        plan, verdict = self._planned(models[0], encoded, text)
        done = frozenset(skip)
        places = max(sum(len(row.at) for row in chunk.rows) for chunk in plan.chunks)
        rows = models[0].config.get_text_config().vocab_size
        most = max(1, _STACKED_LOGITS // (places * rows))
        parts = [tuple(models[start : start + most]) for start in range(0, len(models), most)]
        bodies = [self._stacks.stack_models(part, verdict.rotary) for part in parts]
        trunks = [self._stacks.trunks(body, plan, self.device) for body in bodies]
        for chunk in plan.chunks:
            if done and done.issuperset(chunk.requests):
                continue
            if cancelled is not None and cancelled():
                raise Cancelled(_CANCELLED)
            logs, tokens = [], []
            for body, above in zip(bodies, trunks, strict=True):
                before = above.computed
                batch = chunk.prepared.get((self.device, body.count))
                if batch is None:
                    batch = prepare(chunk.rows * body.count, self.device, self.dtype)
                    chunk.prepared[self.device, body.count] = batch
                try:
                    logs.append(stack.packed(body, batch, above.get(chunk.trunk)))
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    raise self._too_large(models[0], chunk.tokens) from error
                tokens += [chunk.tokens + above.computed - before] * body.count
            harness = sum(len(encoded[index].inputs) for index in chunk.requests)
            found = _collected(chunk.rows, np.concatenate(logs))
            yield tuple(
                ScoredChunk(results, tokens=computed, harness_tokens=harness)
                for results, computed in zip(found, tokens, strict=True)
            )

    def _in_order(self, tasks: Iterator[Callable[[], Results]]) -> Iterator[Results]:
        """Results in order; one more task than cores is in progress, so that no core waits for the caller."""
        return in_order(self._pool, tasks, ahead=self._at_once + 1)

    def _chunk(self, model: LoadedModel, chunk: Chunk, compute: Compute, stop: threading.Event) -> Results:
        if stop.is_set():
            raise Cancelled(_CANCELLED)
        logs = self._halving(model, chunk.rows, partial(compute, chunk))
        return _collected(chunk.rows, logs[None])[0]

    @contextmanager
    def _computing(self, model: LoadedModel, plan: Plan, verdict: Verdict) -> Iterator[Compute]:
        """A function that computes rows of one of the plan's chunks, all of them or a part."""
        if verdict.way == "plain":
            with model.module() as module:
                yield lambda _, rows: _by_library(
                    model, lambda: forward.plain(module, rows, self.device, verdict.cached)
                )
            return
        keep = plan.tensor_bytes <= _KEPT_TENSOR_BYTES
        with verdict.body(model, plan) as body:
            trunks = Trunks(body, plan, self.device)
            if isinstance(body, StateBody):
                yield lambda chunk, rows: self._from_state(
                    model, plan, verdict, rows, trunks.get(chunk.trunk)
                )
                return

            def compute(chunk: Chunk, rows: Sequence[Row]) -> NDArray[np.float32]:
                kept = chunk.prepared if keep and len(rows) == len(chunk.rows) else {}
                batch = kept.get(self.device)
                if batch is None:
                    batch = kept[self.device] = prepare(rows, self.device, self.dtype)
                return forward.packed(body, batch, trunks.get(chunk.trunk))

            yield compute

    def _from_state(
        self, model: LoadedModel, plan: Plan, verdict: Verdict, rows: Sequence[Row], above: Any
    ) -> NDArray[np.float32]:
        with verdict.body(model, plan) as body:
            assert isinstance(body, StateBody)
            return _by_library(model, partial(body.scored, rows, above, self.device))

    def plan(self, model: LoadedModel, encoded: Sequence[Encoded], text: tuple[object, ...]) -> Plan:
        """The batches for all of `encoded`, which `text` identifies.

        They are rows of a prefix tree if those score correctly (see `selfcheck.compare`).

        Raises:
            LimitError: Memory ran out while the configuration was checked.
        """
        return self._planned(model, encoded, text)[0]

    def _planned(
        self, model: LoadedModel, encoded: Sequence[Encoded], text: tuple[object, ...]
    ) -> tuple[Plan, Verdict]:
        budget = batch_tokens(self.device, model.parameters)
        config = model.config.get_text_config()
        plain_budget = min(budget, _PLAIN_LOGIT_BYTES // (4 * config.vocab_size))
        verdict = self._verdict(model)
        plan = self._plan(verdict, budget, plain_budget, config.hidden_size, encoded, text)
        if verdict.reach is not None and plan.depth > verdict.reach:
            verdict = self._beyond(model, verdict.reach, plan.depth)
            plan = self._plan(verdict, budget, plain_budget, config.hidden_size, encoded, text)
        self._say(verdict)
        if self._is_stacked(model, plan, verdict):  # every configuration gets the same batches
            plan = self._remembered(
                ("few", *text),
                lambda: plan_prefixes(encoded) or plan_tree(encoded, STACKED_TOKENS, _STACKED_HIDDEN),
            )
        return plan, verdict

    def _plan(
        self,
        verdict: Verdict,
        budget: int,
        plain_budget: int,
        hidden: int,
        encoded: Sequence[Encoded],
        text: tuple[object, ...],
    ) -> Plan:
        if verdict.packed:
            key = ("packed", budget, hidden, *text)
            return self._remembered(key, lambda: plan_tree(encoded, budget, hidden))
        if verdict.way == "state":
            most = plain_budget * (_SINGLY if verdict.singly else 1)
            make = partial(plan_contexts, encoded, most, workers=self._at_once)
            return self._remembered(("state", most, *text), make)
        most = 1 if verdict.alone else plain_budget
        return self._remembered(("plain", most, *text), lambda: plan_plain(encoded, most))

    def _beyond(self, model: LoadedModel, reach: int, depth: int) -> Verdict:
        """Verdict for prompts that are longer than the reach of the model's attention."""
        key = (model.config_digest, *sorted(model.weights))
        with self._deciding[key]:
            if key not in self._far:
                reason = f"their attention slides over {reach} tokens, and a prompt has {depth}"
                found = beyond(model, reach, self.device)
                self._far[key] = found or plainly_or_alone(model, reason, self.device, reach)
            return self._far[key]

    def _verdict(self, model: LoadedModel) -> Verdict:
        key = (model.config_digest, *sorted(model.weights))
        with self._lock:
            deciding = self._deciding.setdefault(key, threading.Lock())
        with deciding:  # models of other configurations are scored meanwhile
            return self._decided(key, model)

    def _decided(self, key: tuple[str, ...], model: LoadedModel) -> Verdict:
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._verdicts[key] = compare(model, self.device, self.dtype)
        if verdict.way not in ("library", "state"):
            return verdict
        own = self._own.get(model)
        if own is None:
            own = verdict
            if not holds(model, verdict, self.device, self.dtype):
                what = "packed rows" if verdict.packed else "what goes on from a state"
                reason = f"{what} differed from them at one checkpoint or more"
                own = plainly_or_alone(model, reason, self.device)
            self._own[model] = own
        return own

    def _say(self, verdict: Verdict) -> None:
        if verdict.way != "engine":
            with self._lock:
                self._said.add(verdict.sentence)

    def _remembered(self, key: tuple[object, ...], make: Callable[[], Plan]) -> Plan:
        with self._lock:
            plan = self._plans.get(key)
            if plan is None:
                plan = make()
                self._plans.put(key, plan)
            return plan

    def _halving(
        self,
        model: LoadedModel,
        rows: Sequence[Row],
        compute: Callable[[Sequence[Row]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        most = self._most_tokens.get(model.config_digest)
        tokens = len(rows) * max(map(len, rows))
        if most is None or tokens <= most or len(rows) == 1:
            try:
                return compute(rows)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(rows) == 1:
                    raise self._too_large(model, tokens) from error
                with self._lock:
                    self._most_tokens[model.config_digest] = tokens // 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        half = (len(rows) + 1) // 2
        return np.concatenate([self._halving(model, part, compute) for part in (rows[:half], rows[half:])])

    def _too_large(self, model: LoadedModel, tokens: int) -> LimitError:
        return LimitError(
            Sentence(
                "A prompt of {tokens} tokens does not fit into the memory of {device} under {name}; use a smaller "
                "model, a smaller dtype or another device.",
                tokens=tokens,
                device=self.device,
                name=model.directory.name,
            )
        )


def _by_library(model: LoadedModel, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Result of transformers' own forward; its errors become a `CheckpointError` about the model."""
    try:
        return compute()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise CheckpointError(
            Sentence(
                "{name} cannot be scored: transformers' forward of {model_type} models takes no plain text ({reason}).",
                name=model.directory.name,
                model_type=model.config.model_type,
                reason=first_line(error),
            )
        ) from error


def _one_by_one(tasks: Iterator[Callable[[], Results]]) -> Iterator[Results]:
    """Results computed by this thread.

    Passing an edit's only chunk to another thread takes longer than a small model.
    """
    return (task() for task in tasks)


def _collected(rows: Sequence[Row], log_probabilities: NDArray[np.float32]) -> list[Results]:
    """Sum target log-probabilities into the log-likelihood of each request, for several checkpoints.

    ll_nats = Σ log p(target) over a request's targets, summed in float64.

    Args:
        rows: The rows, with S targets in total.
        log_probabilities: Natural logarithms [K, S], float32, of the rows' targets, one row after the other,
            for K checkpoints.

    Returns:
        For each checkpoint (index, sum and number of targets) of each request, ascending.
    """
    requests = np.concatenate([row.requests for row in rows])
    distinct, slot = np.unique(requests, return_inverse=True)
    indexes, counts = distinct.tolist(), np.bincount(slot).tolist()
    sums = (np.bincount(slot, weights=one).tolist() for one in log_probabilities.astype(np.float64))
    return [
        [(i, Loglikelihood(total, n)) for i, total, n in zip(indexes, totals, counts, strict=True)]
        for totals in sums
    ]
