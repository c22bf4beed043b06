"""Model families: repository layout, checkpoint names, tokens seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import ModelInfo, Record
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.checkpoints.names import TokenRule, check_pattern, read_name

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


class CheckpointLocation(Record):
    """Place of a checkpoint in its repository: a branch or tag, or a folder of the main branch.

    Attributes:
        name: Name of the branch, tag or folder.
        step: Training step.
        tokens_seen: Tokens seen at the step; None if the family does not tell.
        early: Whether it is in the early window; None if the family does not tell.
        revision: Branch or tag.
        subfolder: Folder in the repository; None if the whole branch is the checkpoint.
    """

    name: str
    step: int
    tokens_seen: int | None
    early: bool | None
    revision: str = "main"
    subfolder: str | None = None


class FamilyModel(Record):
    """Model of a family: one repository.

    Attributes:
        name: Name of the model.
        repo: OWNER/NAME of the repository.
        size: Size as the family writes it.
        arch: Architecture.
        role: Kind of its training text, "science" or "web".
        parameters: Number of parameters.
        tokens_per_step: Tokens per training step; None for the family's rule.
        seed: Number of its training seed; None where its name tells none.
        seed_of: Model of the family of which it is another seed; None for a model of its own.
    """

    name: str
    repo: str
    size: str | None = None
    arch: str | None = None
    role: Literal["science", "web"] = "science"
    parameters: int | None = None
    tokens_per_step: int | None = None
    seed: int | None = None
    seed_of: str | None = None


class Family(Record):
    """Model family: repositories with checkpoints that are named by one pattern.

    Attributes:
        key: Key of the family.
        title: Title for pages.
        where: Place of checkpoints: "revision" for branches or tags, "subfolder" for folders of the main
            branch.
        pattern: Pattern of checkpoint names, as in `names.read_name`.
        tokens: Rule for tokens seen, as in `names.read_name`.
        models: The models.
        also: Further patterns of some checkpoints.
        steps: Steps of the checkpoints, if they are known without asking a hub.
        early_tokens: End of the early window, in tokens; None if it is unknown.
        note: Note for pages.
    """

    key: str
    title: str
    where: Literal["revision", "subfolder"]
    pattern: str
    tokens: TokenRule
    models: tuple[FamilyModel, ...]
    also: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    early_tokens: int | None = None
    note: SentenceField = ""

    def model(self, name: str) -> FamilyModel:
        """The family's model of that name.

        Raises:
            CheckpointError: The family has no such model.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(m.name for m in self.models)
        raise CheckpointError(
            Sentence(
                "The family {key} has no model {name}: it has {known}.",
                key=self.key,
                name=repr(name),
                known=known,
            )
        )

    def locate(self, model: FamilyModel, name: str) -> CheckpointLocation | None:
        """Location of the checkpoint of that branch or folder name; None if it is no checkpoint's name."""
        rule = self.tokens_rule(model)
        reads = (read_name(name, pattern, rule) for pattern in (self.pattern, *self.also))
        read = next((found for found in reads if found is not None), None)
        if read is None:
            return None
        step, tokens = read
        early = self.is_early(tokens)
        at = {"subfolder": name} if self.where == "subfolder" else {"revision": name}
        return CheckpointLocation(name=name, step=step, tokens_seen=tokens, early=early, **at)

    def tokens_rule(self, model: FamilyModel) -> TokenRule:
        """Rule for the tokens seen by a model: its own tokens per step, else the family's rule."""
        return model.tokens_per_step if model.tokens_per_step is not None else self.tokens

    def tokens_at(self, model: FamilyModel, step: int) -> int | None:
        """Tokens seen at a step, without a checkpoint's name; None if only the name would tell."""
        rule = self.tokens_rule(model)
        if rule is None or rule == "name":
            return None
        return rule * step if isinstance(rule, int) else rule.tokens_seen(step)

    def is_early(self, tokens: int | None) -> bool | None:
        """Whether so many tokens lie in the early window; None if tokens or window are unknown."""
        return None if tokens is None or self.early_tokens is None else tokens <= self.early_tokens

    def locate_all(self, model: FamilyModel, names: Iterable[str]) -> tuple[CheckpointLocation, ...]:
        """Locations of the names that are checkpoints, in step order; for one step the first by name."""
        by_step: dict[int, CheckpointLocation] = {}
        for name in sorted(names):
            place = self.locate(model, name)
            if place is not None:
                by_step.setdefault(place.step, place)
        return tuple(by_step[step] for step in sorted(by_step))

    def known_locations(self, model: FamilyModel) -> tuple[CheckpointLocation, ...]:
        """Locations that are known without asking a hub; none for a family that only its hub can list."""
        return self.locate_all(model, (self.pattern.format(step=step) for step in self.steps))

    def model_info(self, model: FamilyModel) -> ModelInfo:
        """Record of the model for the catalogue."""
        shared = ("name", "size", "arch", "role", "parameters", "seed", "seed_of")
        return ModelInfo(family=self.key, **{key: getattr(model, key) for key in shared})


class CheckpointChoice(Record):
    """Choice among a model's checkpoints; all of them by default.

    Attributes:
        names: Globs on the location's name; () for all.
        early_only: Whether to keep the early window only.
        min_tokens: Fewest tokens seen.
        max_tokens: Most tokens seen.
        every: n keeps the nth, 2nth … of those that the rest of the choice leaves, so that `every=2` of
            E2LM's checkpoints are the competition's iterations, those divisible by 4,000.
    """

    names: tuple[str, ...] = ()
    early_only: bool = False
    min_tokens: int | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=0)
    every: int = Field(default=1, ge=1)


def choose_checkpoints(
    locations: Sequence[CheckpointLocation], choice: CheckpointChoice
) -> tuple[CheckpointLocation, ...]:
    """The chosen locations, in the order given.

    Args:
        locations: Locations of a model's checkpoints, in step order.
        choice: The choice.

    Raises:
        CheckpointError: No location is left, or the choice needs tokens or an early window that are not
            known.
    """
    by_tokens = choice.min_tokens is not None or choice.max_tokens is not None
    if by_tokens and any(p.tokens_seen is None for p in locations):
        raise CheckpointError(
            Sentence("How many tokens these checkpoints had read is not known: choose them by name.")
        )
    if choice.early_only and any(p.early is None for p in locations):
        raise CheckpointError(
            Sentence("These checkpoints have no known early window: choose them by tokens or by name.")
        )
    low, high = choice.min_tokens or 0, choice.max_tokens
    left = [
        place
        for place in locations
        if (not choice.names or any(fnmatchcase(place.name, glob) for glob in choice.names))
        and (place.early or not choice.early_only)
        and (not by_tokens or _between(low, place.tokens_seen, high))
    ]
    chosen = tuple(left[choice.every - 1 :: choice.every])
    if not chosen:
        asked = ", ".join(choice.names) or Sentence("that choice")
        there = (
            Sentence(" (there are {first} to {last})", first=locations[0].name, last=locations[-1].name)
            if locations
            else ""
        )
        raise CheckpointError(
            Sentence("No checkpoint fits {asked}{there}: choose more widely.", asked=asked, there=there)
        )
    return chosen


def custom_family(
    repo: str,
    pattern: str,
    where: Literal["revision", "subfolder"] = "revision",
    tokens: int | Literal["name"] | None = None,
    name: str | None = None,
    early_tokens: int | None = None,
) -> Family:
    """Family of one repository that the user names.

    Args:
        repo: OWNER/NAME of the repository.
        pattern: Pattern of checkpoint names, as in `names.read_name`.
        where: "revision" or "subfolder", as in `Family`.
        tokens: Tokens per step, "name" if the names tell the tokens seen, or None if they are unknown.
        name: Name of the model; None for the repository's second half.
        early_tokens: End of the early window, in tokens; None if it is unknown.

    Raises:
        CheckpointError: An argument cannot be used, or pattern and rule do not fit together.
    """
    if not _REPO.fullmatch(repo):
        raise CheckpointError(
            Sentence(
                "{repo} is not a repository's name: use OWNER/NAME, as in EleutherAI/pythia-70m.",
                repo=f"{repo!r}",
            )
        )
    name = name or repo.split("/")[1]
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            Sentence(
                "{name} cannot name a model: use letters, digits, dots, dashes and underscores.",
                name=repr(name),
            )
        )
    if where not in ("revision", "subfolder"):
        raise CheckpointError(
            Sentence("Checkpoints lie in a 'revision' or a 'subfolder', not in {where}.", where=f"{where!r}")
        )
    _check_rule(pattern, tokens)
    model = FamilyModel(name=name, repo=repo)
    return Family(
        key="any",
        title=repo,
        where=where,
        pattern=pattern,
        tokens=tokens,
        models=(model,),
        early_tokens=early_tokens,
    )


def _check_rule(pattern: str, tokens: object) -> None:
    """Raise `CheckpointError` unless pattern and token rule can be used, alone and together."""
    if tokens is not None and tokens != "name" and not (isinstance(tokens, int) and tokens > 0):
        raise CheckpointError(
            Sentence(
                "Tokens a step are a whole number above 0 or 'name', not {tokens}.", tokens=f"{tokens!r}"
            )
        )
    check_pattern(pattern)
    if (tokens == "name") != ("{tokens}" in pattern):
        raise CheckpointError(
            Sentence(
                "The pattern {pattern} and the rule for tokens must agree: 'name' goes with {{tokens}}, as in "
                "step{{step}}-tokens{{tokens}}B.",
                pattern=repr(pattern),
            )
        )


def _between(low: int, tokens: int | None, high: int | None) -> bool:
    return tokens is not None and low <= tokens and (high is None or tokens <= high)
