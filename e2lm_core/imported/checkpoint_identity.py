"""Checkpoint identity: model, step and tokens seen from the names in a result.

`pretrained`, `revision` and `subfolder` are read as the families name them (on a hub or copied to a disk),
then as training programs name their folders (`iter_0002000`, `step-2000`, `checkpoint-2000`). Nothing is
guessed: a name without a step is no checkpoint of a curve.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.checkpoints.families import Family, FamilyModel
from e2lm_core.checkpoints.family_catalogue import FAMILIES, STEP, split_model_name

_MAIN = ("main", "", None)
_TOKENS = re.compile(r"(?:tokens?[-_]?|-)(\d{1,6}(?:\.\d{1,3})?)(B|BT|M|T)(?![a-zA-Z])")
# Another seed: in a checkpoint's name behind its step (`step5000-seed-14`), as a folder, in a model's name.
_SEED = re.compile(
    r"(?:^|[-_.])((?:(?:data|weight)[-_])?seed)[-_=]?([A-Za-z0-9]+(?:[-_](?!tokens?[-_]?\d|\d+(?:BT?|M|T)\b)[A-Za-z0-9]+)*)",
    re.I,
)
_SEED_FOLDER = re.compile(r"((?:(?:data|weight)[-_])?seed)[-_=]?(\d{1,9}|default)", re.I)
_SEED_MODEL = re.compile(r"(.+?)[-_.](?:(?:data|weight)[-_])?seed[-_]?\d{1,9}", re.I)
_DEFAULT_SEED = "default"
_UNITS = {"M": 10**6, "B": 10**9, "BT": 10**9, "T": 10**12}


@dataclass(frozen=True)
class CheckpointKey:
    """A checkpoint of a curve.

    Attributes:
        model: Model of the checkpoint.
        step: Training step.
        tokens_seen: Tokens seen up to this step; None if not known.
        early: Whether it is in the family's early window; None if the family names none.
        name: Its name as given.
    """

    model: ModelInfo
    step: int
    tokens_seen: int | None
    early: bool | None
    name: str


class CheckpointResolver:
    """Resolver of names in results to checkpoints, by the known families and this studio's catalogue."""

    def __init__(self, known: Iterable[Checkpoint] = ()):
        self._by_step: dict[tuple[str, int], Checkpoint] = {}
        self._models: dict[str, ModelInfo] = {}
        self._repos: dict[str, ModelInfo | None] = {}
        self._at: dict[tuple[str, str], Checkpoint] = {}
        self._known: dict[str, bool] = {}
        self._named: dict[tuple[str, int, int | None], CheckpointKey] = {}
        for checkpoint in known:
            name = checkpoint.model.name
            self._by_step[name.lower(), checkpoint.step] = checkpoint
            self._models[name.lower()] = checkpoint.model
            if checkpoint.repo:
                repo = checkpoint.repo.lower()
                alone = self._repos.get(repo, checkpoint.model) == checkpoint.model
                # In a repository of several models only a checkpoint's name identifies the model.
                self._repos[repo] = checkpoint.model if alone else None
                self._at[repo, _place_name(checkpoint)] = checkpoint

    def find(
        self, pretrained: str, revision: str | None = None, subfolder: str | None = None
    ) -> CheckpointKey | None:
        """Checkpoint that these names mean; None if no step can be read from them.

        Args:
            pretrained: Repository, folder or model name.
            revision: Branch, tag or commit; None for the main branch.
            subfolder: Folder within the repository.
        """
        parts = [part for part in re.split(r"[\\/]+", pretrained) if part not in ("", ".", "..")]
        below = [part for part in re.split(r"[\\/]+", subfolder or "") if part]
        marks = [*reversed(below), *([] if revision in _MAIN else [str(revision)]), *reversed(parts)]
        known = self._catalogued(pretrained, parts, marks)
        if known is not None:
            return known
        for place in range(len(parts) - 1, -1, -1):
            if (of_family := split_model_name(parts[place])) is not None:
                family, model, rest = of_family
                inside = [*reversed(below), *([] if revision in _MAIN else [str(revision)])]
                inside += [*reversed(parts[place + 1 :]), rest]
                spot = _in_family(family, model, inside)
                return self._completed(spot) if spot else None
        plain = _plain(parts, marks)
        return self._completed(_of_seed(plain, _seed(marks))) if plain else None

    def schedule(self, model: ModelInfo) -> Mapping[int, str]:
        """Names of a model's known checkpoints by step; empty if they are not known."""
        catalogued = {
            step: c.subfolder or f"iter_{step:07d}"
            for (name, step), c in self._by_step.items()
            if name == model.name.lower() and c.repo is None
        }
        if catalogued:
            return catalogued
        for family in FAMILIES:
            if family.key == model.family:
                stand_in = FamilyModel(name=model.name, repo="a/b")
                return {place.step: place.name for place in family.known_locations(stand_in)}
        return {}

    def from_row(self, model: str, step: int, tokens_seen: int | None = None) -> CheckpointKey:
        """Checkpoint of a table's row, which gives the step itself.

        The answer is cached, since a table repeats the row's names for every task.
        """
        key = (model, step, tokens_seen)
        if key not in self._named:
            self._named[key] = self._of_row(model, step, tokens_seen)
        return self._named[key]

    def _of_row(self, model: str, step: int, tokens_seen: int | None) -> CheckpointKey:
        spot = self.find(model, f"step{step}") if tokens_seen is None and self._is_known(model) else None
        if spot is not None and spot.step == step and spot.model.family != "imported":
            return spot
        match = split_model_name(model.split("/")[-1])
        info = (
            match[0].model_info(match[1])
            if match and not match[2]
            else ModelInfo(name=model, family="imported")
        )
        info = self._models.get(model.lower(), info)
        early = match[0].is_early(tokens_seen) if match else None
        return self._completed(CheckpointKey(info, step, tokens_seen, early, f"step {step:,}"))

    def _is_known(self, model: str) -> bool:
        """Whether a table's model is in the catalogue or of a family; cached, since each row asks."""
        if model not in self._known:
            parts = re.split(r"[\\/]+", model)
            self._known[model] = model.lower() in self._repos or any(
                part.lower() in self._models or split_model_name(part) is not None for part in parts
            )
        return self._known[model]

    def _catalogued(
        self, pretrained: str, parts: Sequence[str], marks: Sequence[str]
    ) -> CheckpointKey | None:
        for mark in marks:
            if (checkpoint := self._at.get((pretrained.lower(), mark.lower()))) is not None:
                return _spot(checkpoint, mark)
        model = self._repos.get(pretrained.lower())
        for part in reversed(parts):
            model = model or self._models.get(part.lower())
        if model is None:
            return None
        for mark in marks:
            step = STEP.search(mark)
            if step and (model.name.lower(), int(step[1])) in self._by_step:
                checkpoint = self._by_step[model.name.lower(), int(step[1])]
                if mark.lower() == _place_name(checkpoint):
                    return _spot(checkpoint, mark)
                # Another name of the step may mean another seed, or a later stage, whose steps start anew.
                # A catalogued commit does not name its seed, so the default seed belongs to the model that
                # has its repository's name.
                seed = _named_seed(marks)
                own = seed is None or (seed == _DEFAULT_SEED and model.name in parts)
                return _spot(checkpoint, mark) if own and "stage" not in mark else None
        return None

    def _completed(self, spot: CheckpointKey) -> CheckpointKey:
        """Complete a checkpoint from the catalogue: its model, and unknown tokens seen and early window."""
        checkpoint = self._by_step.get((spot.model.name.lower(), spot.step))
        if checkpoint is None:
            return spot
        return CheckpointKey(
            checkpoint.model,
            spot.step,
            spot.tokens_seen if spot.tokens_seen is not None else checkpoint.tokens_seen,
            spot.early if spot.early is not None else checkpoint.early,
            spot.name,
        )


def _place_name(checkpoint: Checkpoint) -> str:
    """Branch or folder of a checkpoint, in lower case."""
    folder = checkpoint.directory.name if checkpoint.directory is not None else ""
    revision = "" if checkpoint.revision in _MAIN else str(checkpoint.revision)
    return (checkpoint.subfolder or revision or folder).lower()


def _spot(checkpoint: Checkpoint, name: str) -> CheckpointKey:
    return CheckpointKey(checkpoint.model, checkpoint.step, checkpoint.tokens_seen, checkpoint.early, name)


def _seed(names: Sequence[str]) -> str | None:
    """Seed in the names of a checkpoint, such as `14` or `data-14`; None for the default seed or none."""
    seed = _named_seed(names)
    return None if seed == _DEFAULT_SEED else seed


def _named_seed(names: Sequence[str]) -> str | None:
    for name in names:
        step = STEP.search(name)
        found = _SEED_FOLDER.fullmatch(name) if step is None else _SEED.search(name, step.end())
        if found is not None:
            return f"{found[1].lower()[:-4]}{found[2]}"
    return None


def _of_seed(spot: CheckpointKey, seed: str | None) -> CheckpointKey:
    """The same checkpoint of the model trained from a seed, which is a model of its own."""
    if seed is None:
        return spot
    info = spot.model.model_copy(
        update={"name": f"{spot.model.name} (seed {seed})", "seed_of": spot.model.name}
    )
    return replace(spot, model=info)


def _in_family(family: Family, model: FamilyModel, names: Sequence[str]) -> CheckpointKey | None:
    info, seed = family.model_info(model), _seed(names)
    base = _SEED_MODEL.fullmatch(info.name)
    if base is not None and any(base[1] == known.name for known in family.models):
        info = info.model_copy(update={"seed_of": base[1]})
    for name in names:
        place = family.locate(model, name.lstrip("-_."))
        if place is not None:
            return _of_seed(CheckpointKey(info, place.step, place.tokens_seen, place.early, place.name), seed)
    plain = _plain([model.name], [name for name in names if name])
    if plain is None or "stage" in plain.name:  # a later stage counts its steps anew
        return None
    tokens = plain.tokens_seen if plain.tokens_seen is not None else family.tokens_at(model, plain.step)
    return _of_seed(CheckpointKey(info, plain.step, tokens, family.is_early(tokens), plain.name), seed)


def _plain(parts: Sequence[str], marks: Sequence[str]) -> CheckpointKey | None:
    """Model and step from folder names of training programs.

    The model is the part that the step stands in or after.
    """
    for mark in marks:
        step = STEP.search(mark)
        if step is None:
            continue
        before = mark[: step.start()].strip("-_.")
        others = [part for part in parts if part != mark and not _SEED_FOLDER.fullmatch(part)]
        model = before or (others[-1] if others else mark)
        tokens = _TOKENS.search(mark, step.end())
        seen = int(Decimal(tokens[1]) * _UNITS[tokens[2]]) if tokens else None
        return CheckpointKey(ModelInfo(name=model, family="imported"), int(step[1]), seen, None, mark)
    return None
