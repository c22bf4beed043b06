"""Deployment as a Space: plan, diff, apply.

A Space keeps everything that the deployment does not name: its title, its other variables and mounts. The
files are those that the image is built from; other files of the Space are deleted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record
from e2lm_core.base.settings import INSTALLED, ROOT, Settings
from e2lm_core.deploy.space import hub, uploads
from e2lm_core.people import accounts

if TYPE_CHECKING:
    from huggingface_hub import HfApi, Volume

DATA = "/data"
FRONT: Mapping[str, Any] = {
    "title": "E2LM Task Studio",
    "emoji": "📈",
    "colorFrom": "indigo",
    "colorTo": "blue",
    "sdk": "docker",
    "app_port": 7860,
    "license": "apache-2.0",
}
ALWAYS = ("sdk", "app_port")  # an existing Space keeps its other front matter
_STAYS = {".gitattributes"}
_ADMINS, _VARIABLE_OF = "E2LM_ADMINS", "variable "
OURS = "e2lm_core/__main__.py"  # a Space with files but without this one is of something else
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class SpaceConfig(Record):
    """Wanted state of a Space; None keeps the present value, or for a new Space the hub's default.

    Attributes:
        repo: OWNER/NAME of the Space.
        title: Title that it shows.
        hardware: Hardware by the hub's name.
        bucket: OWNER/NAME of the bucket mounted at /data.
        sign_in: Whether people sign in with the hub.
        private: Whether only its owner sees it.
        variables: Environment variables to set.
    """

    repo: str
    title: str | None = None
    hardware: str | None = None
    bucket: str | None = None
    sign_in: bool | None = None
    private: bool | None = None
    variables: dict[str, str] = Field(default_factory=dict)


class Setting(Record):
    """A setting of a Space that a deployment changes.

    Attributes:
        name: Name of the setting.
        before: Present value; None if there is none.
        after: Wanted value.
    """

    name: str
    before: str | None
    after: str


class DeployPlan(Record):
    """Steps of a deployment in their order: bucket, Space, settings, files.

    Attributes:
        repo: OWNER/NAME of the Space.
        url: Address of the Space.
        creates: Whether the Space is created.
        creates_bucket: Whether the bucket is created.
        settings: Settings to change.
        uploads: Files to upload.
        deletes: Paths of files to delete.
        head: Commit for which the plan was made; None for a new Space.
    """

    repo: str
    url: str
    creates: bool
    creates_bucket: bool
    settings: tuple[Setting, ...]
    uploads: tuple[uploads.File, ...]
    deletes: tuple[str, ...]
    head: str | None

    @property
    def empty(self) -> bool:
        """Whether the Space is in the wanted state already."""
        return not (self.creates or self.creates_bucket or self.settings or self.uploads or self.deletes)


class _There(Record):
    """Present state of a Space; `files` are (git_sha1, sha256) by path."""

    head: str | None = None
    front: dict[str, Any] = Field(default_factory=dict)
    private: bool | None = None
    hardware: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    volumes: tuple[Any, ...] = ()
    files: dict[str, tuple[str | None, str | None]] = Field(default_factory=dict)


def plan_deployment(settings: Settings, config: SpaceConfig) -> DeployPlan:
    """Compare a Space with its wanted state; changes nothing.

    Raises:
        StudioError: The caller is no administrator, the studio is an installed one, a name or value is not
            allowed, a file holds a secret, the Space is of something else, or the hub refuses or cannot be
            reached.
    """
    accounts.require_administrator(settings, "deploy the studio")
    if INSTALLED:
        raise StudioError(
            "An installed studio has not all the files of a Space, as its Dockerfile: deploy from a copy of its repository."
        )
    config = _sound(config)
    api = hub.hub_client(settings)
    with hub.hub_errors(f"the Space {config.repo}"):
        there = _there(api, config.repo)
        bucket_is_there = config.bucket is None or _has_bucket(api, config.bucket)
        present = there or _There()
        config = _with_sign_in(api, config, present)
    _require_ours(config.repo, present)
    wanted = uploads.files(ROOT, _readme(config, present), settings.home, secrets=[hub.require_token()])
    return DeployPlan(
        repo=config.repo,
        url=f"{api.endpoint}/spaces/{config.repo}",
        creates=there is None,
        creates_bucket=not bucket_is_there,
        settings=tuple(_settings(config, present)),
        uploads=tuple(f for name, f in wanted.items() if not f.same(*present.files.get(name, (None, None)))),
        deletes=tuple(sorted(set(present.files) - set(wanted) - _STAYS)),
        head=present.head,
    )


def deploy(settings: Settings, config: SpaceConfig, deploy_plan: DeployPlan) -> str | None:
    """Apply a plan to a Space.

    Args:
        settings: The caller's settings.
        config: Wanted state of the Space.
        deploy_plan: Plan for this state.

    Returns:
        The new commit; None if no file changed.

    Raises:
        StudioError: The caller is no administrator, a name or value is not allowed, the hub refuses or cannot be
            reached, or somebody else changed the Space since the plan: its files are then not touched.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete

    accounts.require_administrator(settings, "deploy the studio")
    config = _sound(config).model_copy(update={"variables": _variables(deploy_plan)})
    api = hub.hub_client(settings)
    if deploy_plan.creates_bucket and config.bucket is not None:
        with hub.hub_errors(f"the bucket {config.bucket}"):
            api.create_bucket(config.bucket, private=True, exist_ok=True)
    with hub.hub_errors(f"the Space {config.repo}"):
        if deploy_plan.creates:
            api.create_repo(
                config.repo,
                repo_type="space",
                space_sdk="docker",
                private=config.private,
                space_hardware=config.hardware,  # type: ignore[arg-type]
                space_variables=[{"key": k, "value": v} for k, v in config.variables.items()] or None,
                space_volumes=_mounts(config, ()) or None,
            )
        else:
            _set(api, config, {setting.name for setting in deploy_plan.settings})
        operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
            *(
                CommitOperationAdd(f.path, ROOT / f.path if f.text is None else f.text.encode())
                for f in deploy_plan.uploads
            ),
            *(CommitOperationDelete(path) for path in deploy_plan.deletes),
        ]
        if not operations:
            return None
        told = api.create_commit(
            config.repo,
            operations,
            commit_message="Deploy E2LM Task Studio",
            repo_type="space",
            parent_commit=deploy_plan.head,
        )
        return str(told.oid)


def _sound(wish: SpaceConfig) -> SpaceConfig:
    """Check the wanted state. Raises StudioError for a value that no Space can have."""
    if not hub.REPO_NAME.fullmatch(wish.repo):
        raise StudioError(f"{wish.repo[:80]!r} is no Space's name: use OWNER/NAME, as in me/studio.")
    if wish.bucket is not None and not hub.REPO_NAME.fullmatch(wish.bucket):
        raise StudioError(f"{wish.bucket[:80]!r} is no bucket's name: use OWNER/NAME, as in me/studio-data.")
    if wish.hardware == "zero-a10g":
        raise StudioError(
            "ZeroGPU runs Gradio apps only, and this is none: choose other hardware; see docs/deploy.md."
        )
    for name in wish.variables:
        if not _VARIABLE.fullmatch(name):
            raise StudioError(f"{name[:60]!r} cannot be a variable: use letters, digits and underscores.")
    uploads.require_public(wish.variables)
    return wish


def _with_sign_in(api: HfApi, wish: SpaceConfig, there: _There) -> SpaceConfig:
    """Add the variables of sign-in, if wanted; the owner is the administrator unless others are named.

    Raises StudioError if nobody is named and the owner is not the caller: an organisation cannot sign in, and
    its name may one day belong to a person.
    """
    if not wish.sign_in:
        return wish
    named = wish.variables.get(_ADMINS) or there.variables.get(_ADMINS) or ""
    if not named.strip(", "):
        owner, told = wish.repo.split("/")[0], api.whoami()
        if (told["type"], told["name"]) != ("user", owner):
            raise StudioError(
                f"{owner!r} is not your own account, and no organisation signs in: name who is to administer the "
                f"studio, as in --variable {_ADMINS}={told['name']}."
            )
        named = owner
    return wish.model_copy(update={"variables": {"E2LM_AUTH": "oidc", **wish.variables, _ADMINS: named}})


def _variables(made: DeployPlan) -> dict[str, str]:
    """Variables that a plan sets."""
    changed = (setting for setting in made.settings if setting.name.startswith(_VARIABLE_OF))
    return {setting.name.removeprefix(_VARIABLE_OF): setting.after for setting in changed}


def _there(api: HfApi, repo: str) -> _There | None:
    """Present state of the Space; None if there is none that the token may see."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.space_info(repo, files_metadata=True, timeout=20)
    except RepositoryNotFoundError:
        return None
    runtime = api.get_space_runtime(repo)
    hardware = runtime.requested_hardware or runtime.hardware
    return _There(
        head=info.sha,
        front=info.card_data.to_dict() if info.card_data else {},
        private=info.private,
        hardware=str(getattr(hardware, "value", hardware)) if hardware else None,
        variables={name: variable.value for name, variable in api.get_space_variables(repo).items()},
        volumes=tuple(runtime.volumes or ()),
        files={
            sibling.rfilename: (sibling.blob_id, sibling.lfs.sha256 if sibling.lfs else None)
            for sibling in info.siblings or ()
        },
    )


def _require_ours(repo: str, there: _There) -> None:
    """Raise StudioError for a Space of something else, whose files a deployment would delete."""
    of_the_hub = _STAYS | {uploads.README, ".gitignore"}
    if there.front.get("sdk", "docker") != "docker" or not (
        OURS in there.files or set(there.files) <= of_the_hub
    ):
        raise StudioError(
            f"The Space {repo} holds something else, which would be deleted: choose another name, or empty it first."
        )


def _has_bucket(api: HfApi, bucket: str) -> bool:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.bucket_info(bucket)
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 404):
            return False
        raise
    return True


def _readme(wish: SpaceConfig, there: _There) -> bytes:
    """README of this repository below the Space's settings."""
    from huggingface_hub import SpaceCardData

    front = {**FRONT, **there.front, **{name: FRONT[name] for name in ALWAYS}}
    if wish.title is not None:
        front["title"] = wish.title
    if wish.sign_in is not None:
        front["hf_oauth"] = wish.sign_in
    text = (ROOT / uploads.README).read_text(encoding="utf-8") if (ROOT / uploads.README).is_file() else ""
    return f"---\n{SpaceCardData(**front).to_yaml()}\n---\n\n{text}".encode()


def _settings(wish: SpaceConfig, there: _There) -> list[Setting]:
    """Settings whose present value is not the wanted one."""
    wanted: list[tuple[str, str | None, str | None]] = [("hardware", there.hardware, wish.hardware)]
    if wish.private is not None:
        before = None if there.private is None else _visibility(there.private)
        wanted.append(("visibility", before, _visibility(wish.private)))
    if wish.bucket is not None:
        mounted = next((v.source for v in there.volumes if v.mount_path == DATA), None)
        wanted.append((f"volume {DATA}", mounted, wish.bucket))
    wanted += [
        (f"{_VARIABLE_OF}{name}", there.variables.get(name), value) for name, value in wish.variables.items()
    ]
    return [
        Setting(name=name, before=before, after=after)
        for name, before, after in wanted
        if after is not None and before != after
    ]


def _visibility(private: bool) -> str:
    return "private" if private else "public"


def _mounts(wish: SpaceConfig, present: Sequence[Volume]) -> list[Volume]:
    """Volumes of the Space, with the wanted bucket at /data."""
    from huggingface_hub import Volume

    if wish.bucket is None:
        return list(present)
    others = [volume for volume in present if volume.mount_path != DATA]
    return [*others, Volume(type="bucket", source=wish.bucket, mount_path=DATA)]


def _set(api: HfApi, wish: SpaceConfig, names: set[str]) -> None:
    """Change the named settings of an existing Space."""
    if "visibility" in names:
        api.update_repo_settings(wish.repo, repo_type="space", private=wish.private)
    for name, value in wish.variables.items():
        api.add_space_variable(wish.repo, name, value)
    if f"volume {DATA}" in names:
        present = api.get_space_runtime(wish.repo).volumes or []
        api.set_space_volumes(wish.repo, _mounts(wish, present))
    if "hardware" in names and wish.hardware is not None:
        api.request_space_hardware(wish.repo, wish.hardware)  # type: ignore[arg-type]
