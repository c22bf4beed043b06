"""Commands `checkpoints` and `hub`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from e2lm_core.base.errors import CheckpointError, LimitError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.families import CheckpointChoice, custom_family
from e2lm_core.checkpoints.family_catalogue import FAMILIES, family
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import download as hub_download
from e2lm_core.checkpoints.hub import rolling_leases
from e2lm_core.checkpoints.hub.client import NoConnectionError, OfflineByChoice
from e2lm_core.commands.output import Json, print_table
from e2lm_core.commands.progress import progress_bar

app = typer.Typer(
    no_args_is_help=True, help="Checkpoints of a hub: browse, add, download, verify, pin, evict."
)
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model of a family, as `hub families` names it.")
]
MAX_DIGITS = 12  # of the tokens per step
MAX_AWAY = 2  # failed connections in a row before the downloads stop
Globs = Annotated[
    list[str] | None, typer.Argument(metavar="GLOB", help="Which checkpoints, as model/iter_….")
]


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
        str, typer.Argument(metavar="FAMILY", help="A family's key, or `any` with --repo and --pattern.")
    ],
    model: Model,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="OWNER/NAME", help="The repository, for `any`.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="How its branches are named, for `any`: step{step}.")
    ] = None,
    in_folders: Annotated[
        bool, typer.Option("--folders", help="They are folders of the main branch, not branches, for `any`.")
    ] = False,
    tokens: Annotated[
        str | None,
        typer.Option(
            "--tokens-per-step",
            metavar="N",
            help="Tokens a step, or `name` where their names tell, for `any`.",
        ),
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, metavar="N", help="Each N-th checkpoint only.")] = 1,
    early: Annotated[bool, typer.Option("--early", help="Those of the early window only.")] = False,
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
    if not tokens.isascii() or not tokens.isdigit() or len(tokens) > MAX_DIGITS:
        raise CheckpointError(f"--tokens-per-step {quote(tokens)} is no whole number: use 2097152, or name.")
    return int(tokens)


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
    failed: dict[str, str] = {}
    if len(chosen) > 1:  # a single download makes this check itself
        with progress_bar("looking at the hub", len(chosen)) as advance:
            failed = hub_download.refuse_pickles(chosen, settings, advance)
    if len(set(failed.values())) == 1:
        typer.echo(_left_out(failed, len(chosen)), err=True)
    elif failed:
        typer.echo("\n".join(f"{name}: {why}" for name, why in failed.items()), err=True)
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
                typer.echo(f"{checkpoint.name}: {why}", err=True)
    if failed:
        raise CheckpointError(_left_out(failed, len(chosen)))
    _show(chosen, settings, as_json)


def _download(checkpoint: Checkpoint, settings: Settings) -> None:
    rolling_leases.release_to_cache(checkpoint, settings)
    with progress_bar(checkpoint.name, 100) as advance:
        shown = 0

        def report(progress: hub_download.DownloadProgress) -> None:
            nonlocal shown
            percent = 100 * progress.done_bytes // max(progress.total_bytes, 1)
            advance(progress.file, percent - shown)
            shown = percent

        hub_download.download(checkpoint, settings, report)
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
def evict(globs: Annotated[list[str], typer.Argument(metavar="GLOB")], as_json: Json = False) -> None:
    """Delete downloaded weights; the catalogue and every result stay."""
    settings = Settings.from_env()
    freed = hub.evict_checkpoints(settings, _added(settings, globs))
    print_table(as_json, {"freed_bytes": freed}, [{"freed_bytes": freed}])


@app.command("pin")
def pin(globs: Annotated[list[str], typer.Argument(metavar="GLOB")], as_json: Json = False) -> None:
    """Keep checkpoints on the disk: nothing evicts them, rolling runs neither."""
    _pinned(globs, True, as_json)


@app.command("unpin")
def unpin(globs: Annotated[list[str], typer.Argument(metavar="GLOB")], as_json: Json = False) -> None:
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
        bool, typer.Option("--unpack", help="Unpack the embedded ladder into the cache first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the checkpoints there are; --unpack makes each a folder that transformers and lm-eval load."""
    from e2lm_core.checkpoints.unpacking import ensure_directory, unpacked_directory

    settings = Settings.from_env()
    catalogue = open_catalogue(settings)
    for problem in catalogue.problems:
        typer.echo(problem, err=True)
    rows = []
    with progress_bar("unpacking", len(catalogue.checkpoints), hidden=not unpack) as advance:
        for checkpoint in catalogue.checkpoints:
            prepare = ensure_directory if unpack and not checkpoint.repo else unpacked_directory
            try:
                path = prepare(checkpoint, settings)
            except CheckpointError as error:
                typer.echo(str(error), err=True)
                path = None
            rows.append(
                {
                    "model": checkpoint.model.name,
                    "name": checkpoint.name,
                    "path": str(path) if path else None,
                    "step": checkpoint.step,
                    "tokens_seen": checkpoint.tokens_seen,
                    "early": checkpoint.early,
                }
            )
            advance(checkpoint.name)
    print_table(as_json, {"checkpoints": rows}, rows, ("name", "step", "tokens_seen", "early", "path"))
