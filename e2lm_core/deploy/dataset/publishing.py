"""Publishing a set as a hub data set: plan, diff, upload.

Tested in tests/deploy/dataset/test_publishing.py.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question, Record, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.deploy.dataset.card import render_card
from e2lm_core.deploy.space import hub
from e2lm_core.people import accounts
from e2lm_core.sets import selection_origin
from e2lm_core.sets.formats import reading, writing
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables import parquet

if TYPE_CHECKING:
    from huggingface_hub import HfApi

README = "README.md"
PLACES = {"test": "data/test-00000-of-00001.parquet", "dev": "data/dev-00000-of-00001.parquet"}


class QuestionChange(Record):
    """Difference of one question between the set and the data set.

    Attributes:
        split: Split of the question: test or dev.
        id: Id of the question.
        what: added, changed or removed by publishing.
        fields: Names of the fields that differ, for a changed question.
    """

    split: str
    id: str
    what: Literal["added", "changed", "removed"]
    fields: tuple[str, ...] = ()


class PublishPlan(Record):
    """Steps of publishing a set.

    Attributes:
        repo: OWNER/NAME of the data set.
        url: Address of the data set.
        creates: Whether the data set is created.
        revision: Present commit; None if there is no data set.
        changes: Questions that change.
        uploads: Paths of files to upload.
    """

    repo: str
    url: str
    creates: bool
    revision: str | None
    changes: tuple[QuestionChange, ...]
    uploads: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the data set equals the set already."""
        return not (self.creates or self.uploads)


def dataset_files(task: TaskSet, measured: str, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of the data set by path: the card, a table per split, and the pictures of the card.

    Args:
        task: The set.
        measured: The card's sections on the set's results.
        pictures: Content of the files that these sections show, by path.
    """
    splits = _splits(task)
    there = {split: PLACES[split] for split, questions in splits.items() if questions}
    files = {path: parquet.write(splits[split]) for split, path in there.items()} | dict(pictures)
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return {README: render_card(task, there, digests, measured).encode(), **files}


def _splits(task: TaskSet) -> dict[str, list[Question]]:
    """Questions by split, all with the column of the rule that chose them if one did."""
    origin = selection_origin.origin_of_set(task)
    parts = {"test": task.questions, "dev": task.dev}
    return {split: writing.add_origin(questions, origin, "parquet") for split, questions in parts.items()}


def require_publishable(settings: Settings, task: TaskSet, repo: str) -> None:
    """Check that a set can be published, before the hub is asked.

    Args:
        settings: The caller's settings.
        task: The set.
        repo: OWNER/NAME of the data set.

    Raises:
        StudioError: The caller is no administrator, the name is not allowed, or the set has no questions.
    """
    accounts.require_administrator(settings, "publish a set")
    if not hub.REPO_NAME.fullmatch(repo):
        raise StudioError(f"{quote(repo)} is no data set's name: use OWNER/NAME, as in me/{task.name}.")
    if not task.questions:
        raise StudioError(f"The set {quote(task.name)} has no questions yet, so there is nothing to publish.")


def plan_publish(settings: Settings, task: TaskSet, repo: str, files: Mapping[str, bytes]) -> PublishPlan:
    """Compare a set with its data set on the hub; changes nothing.

    Only administrators may, since the token is the operator's.

    Args:
        settings: The caller's settings.
        task: The set.
        repo: OWNER/NAME of the data set.
        files: Files of the data set, see `dataset_files`.

    Raises:
        StudioError: The caller is no administrator, the name is not allowed, the set has no questions, the
            data set holds something else, or the hub refuses or cannot be reached.
    """
    require_publishable(settings, task, repo)
    api = hub.hub_client(settings)
    with hub.hub_errors(f"the data set {repo}"):
        revision, there = _there(api, repo, files)
    held = _held(settings, repo, there) if revision is not None else {}
    return PublishPlan(
        repo=repo,
        url=f"{api.endpoint}/datasets/{repo}",
        creates=revision is None,
        revision=revision,
        changes=tuple(_changes(task, held)),
        uploads=tuple(path for path, data in files.items() if there.get(path) != data),
    )


def publish(
    settings: Settings,
    task: TaskSet,
    publish_plan: PublishPlan,
    files: Mapping[str, bytes],
    expected_revision: str | None = None,
    private: bool = False,
) -> str | None:
    """Apply a plan to a data set.

    Args:
        settings: The caller's settings.
        task: The set.
        publish_plan: Plan for the set and the same `files`.
        files: Files of the data set, see `dataset_files`.
        expected_revision: Revision that the caller has seen and agrees to overwrite.
        private: Whether a new data set is private.

    Returns:
        The new commit; None if the data set equals the set already.

    Raises:
        StudioError: The caller is no administrator, `expected_revision` is not the present one, somebody else
            has written since the plan, or the hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd

    accounts.require_administrator(settings, "publish a set")
    if publish_plan.empty:
        return None
    if publish_plan.revision is not None and expected_revision != publish_plan.revision:
        raise StudioError(
            f"The data set {publish_plan.repo} is there, at revision {publish_plan.revision}: look at what changes, then say --over and "
            "that revision."
        )
    api = hub.hub_client(settings)
    with hub.hub_errors(f"the data set {publish_plan.repo}"):
        if publish_plan.creates:
            api.create_repo(publish_plan.repo, repo_type="dataset", private=private)
        told = api.create_commit(
            publish_plan.repo,
            [CommitOperationAdd(path, files[path]) for path in publish_plan.uploads],
            commit_message=f"Publish {task.name} from E2LM Task Studio",
            repo_type="dataset",
            parent_commit=publish_plan.revision,
        )
        return str(told.oid)


def _there(api: HfApi, repo: str, ours: Mapping[str, bytes]) -> tuple[str | None, dict[str, bytes]]:
    """Present commit, and the data set's files that we would write; None if there is no data set."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.dataset_info(repo, timeout=20)
    except RepositoryNotFoundError:
        return None, {}
    found = {}
    with tempfile.TemporaryDirectory(prefix="e2lm-publish-") as folder:
        for sibling in info.siblings or ():
            if sibling.rfilename in (*ours, *PLACES.values()):
                path = api.hf_hub_download(
                    repo, sibling.rfilename, repo_type="dataset", revision=info.sha, cache_dir=folder
                )
                found[sibling.rfilename] = Path(path).read_bytes()
    return info.sha, found


def _held(settings: Settings, repo: str, there: dict[str, bytes]) -> dict[str, tuple[Question, ...]]:
    """Questions of the data set by split. Raises StudioError if its tables hold something else."""
    found = {}
    for split, path in PLACES.items():
        if path in there:
            try:
                found[split] = reading.read_confined(
                    there[path], path, settings.limits, ReadOptions(answers_from=0)
                ).questions
            except StudioError as error:
                raise StudioError(
                    f"The data set {repo} holds something else than questions in {path}: choose another name."
                ) from error
    return found


def _changes(task: TaskSet, held: dict[str, tuple[Question, ...]]) -> Iterator[QuestionChange]:
    for split, questions in _splits(task).items():
        before = {question.id: question for question in held.get(split, ())}
        for question in questions:
            old = before.pop(question.id, None)
            if old is None:
                yield QuestionChange(split=split, id=question.id, what="added")
            elif fields := _differing(old, question):
                yield QuestionChange(split=split, id=question.id, what="changed", fields=fields)
        for gone in before:
            yield QuestionChange(split=split, id=gone, what="removed")


def _differing(old: Question, new: Question) -> tuple[str, ...]:
    fields = [name for name in Question.model_fields if name not in ("id", "extra")]
    names = [name for name in fields if getattr(old, name) != getattr(new, name)]
    return tuple(names + [n for n in {**old.extra, **new.extra} if old.extra.get(n) != new.extra.get(n)])
