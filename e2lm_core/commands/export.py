"""Commands `report`, `export`, `check` and `verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import RC_READINGS
from e2lm_core.base.settings import expand_home
from e2lm_core.commands.output import (
    Json,
    Rc,
    Task,
    chosen_checkpoints,
    goes_to_stdout,
    open_task,
    print_table,
    read_file,
    require_reading,
    to_stdout,
)
from e2lm_core.commands.progress import busy_indicator

if TYPE_CHECKING:
    from e2lm_core.export.submission import Profile as ProfileName

Page = Annotated[
    Path, typer.Option("--out", metavar="X.html", help="Where the report is written; - is stdout.")
]
Bundle = Annotated[Path, typer.Option("--out", metavar="X.zip", help="Where it is written; - is stdout.")]
KINDS = (
    "bundle",
    "patch",
    "upstream",
    "csv",
    "jsonl",
    "xlsx",
    "gift",
    "aiken",
    "qti",
)  # from the fourth on: the questions as they stand, unchecked
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="KIND",
        help="bundle; patch, the competition's submission.zip; upstream, what a pull request to the harness holds; csv, jsonl, xlsx, gift, aiken or qti, the questions alone.",
    ),
]
ExportProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="plain or competition (default: plain, for a patch competition); questions alone need none.",
    ),
]
PatchMetric = Annotated[
    str, typer.Option("--metric", help="What a patch asks to be judged by: acc or acc_norm.")
]
Zip = Annotated[Path, typer.Argument(metavar="X.zip", help="A bundle that `export` has written.")]
At = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="NAME",
        help="The checkpoint, as model/iter_… (default: the last of the smallest embedded model).",
    ),
]
Shots = Annotated[
    int | None,
    typer.Option(
        "--num-fewshot", metavar="K", help="Examples in the prompt of the second run (default: the set's)."
    ),
]
Python = Annotated[
    str | None,
    typer.Option("--python", metavar="PATH", help="The Python that has lm_eval (default: this one)."),
]
Documents = Annotated[
    bool,
    typer.Option("--questions", help="Add every choice's log-likelihoods (nats) in both to the JSON."),
]
TokensOf = Annotated[
    str | None,
    typer.Option(
        "--tokens-of",
        metavar="NAME",
        help="Count prompts in the tokens of this model or family (default: the models of the set's last run).",
    ),
]
Profile = Annotated[str, typer.Option("--profile", help="plain or competition.")]
# Unlike other commands, a report defaults to the checkpoints and few-shot examples of the set's last run.
LastCheckpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoints",
        metavar="GLOB",
        help="Which checkpoints, as model/iter_…; may be repeated (default: those of the set's last run).",
    ),
]
LastFewshot = Annotated[
    int | None,
    typer.Option("--num-fewshot", metavar="K", help="Examples in the prompt (default: the last run's)."),
]
Relevance = Annotated[
    bool, typer.Option("--relevance", help="Judge each question's scientific relevance too.")
]


def report(
    task: Task,
    out: Page,
    checkpoints: LastCheckpoints = None,
    num_fewshot: LastFewshot = None,
    rc: Rc = RC_READINGS[0],
    relevance: Relevance = False,
    as_json: Json = False,
) -> None:
    """Write a set's report as one HTML file that needs no network; --json prints the same as JSON."""
    from e2lm_core.base import atomic
    from e2lm_core.export import html as report_html
    from e2lm_core.export import report as reports
    from e2lm_core.runs import state as run_state
    from e2lm_core.runs.studio import open_studio

    piped = goes_to_stdout(out, as_json)
    require_reading(rc)
    studio = open_studio()
    question_set = open_task(studio.settings, task)
    chosen, shots = run_state.fleet_of_set(studio, question_set.name)
    if checkpoints:
        chosen, shots = chosen_checkpoints(studio, checkpoints), None
    if num_fewshot is not None:
        shots = num_fewshot
    with busy_indicator(f"Reporting on {question_set.name}"):
        document = reports.build_report(studio, question_set, chosen, shots, relevance, rc)
        page = report_html.render(document).encode("utf-8", "replace")
    if piped:
        to_stdout(page)
        return
    atomic.replace_file(out, page)
    print_table(as_json, document, [{"path": str(out), "bytes": out.stat().st_size}])
    if not as_json:
        typer.echo(reports.report_summary(document))


def export(
    task: Task,
    out: Bundle,
    kind: As = "bundle",
    profile: ExportProfile = None,
    metric: PatchMetric = "acc",
    tokens_of: TokensOf = None,
    as_json: Json = False,
) -> None:
    """Write the set as a bundle that lm-evaluation-harness runs unchanged, as a submission, or its questions alone."""
    from e2lm_core.export import patch, upstream
    from e2lm_core.export.submission import build_bundle as export_set
    from e2lm_core.export.submission import check_findings
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.folder.bundle import write
    from e2lm_core.sets.formats import writing

    if kind not in KINDS:
        raise StudioError(f"A set is not exported as {quote(kind)}: use {', '.join(KINDS)}.")
    piped = goes_to_stdout(out, as_json)
    studio = open_studio()
    question_set = open_task(studio.settings, task)
    lost: tuple[str, ...] = ()
    with busy_indicator(f"Exporting {question_set.name}"):
        if kind in writing.FORMS:
            data = writing.write_questions(question_set.questions, kind)
            lost = writing.lost_content(question_set.questions, kind)
        else:
            rules = _profile(
                profile if profile is not None else "competition" if kind == "patch" else "plain"
            )
            found = check_findings(studio, question_set, rules, tokens_of=tokens_of)
            data = export_set(studio, question_set, rules, found)
            if kind == "patch":
                data = patch.submission(question_set, studio.settings.limits, metric)
            elif kind == "upstream":
                data = upstream.pull_request(
                    question_set, studio.settings.limits, check_findings(studio, question_set)
                )
    for said in lost:
        typer.echo(said, err=True)
    if piped:
        to_stdout(data)
        return
    write(data, out)
    row = {"path": str(out), "bytes": len(data)}
    print_table(as_json, row | ({"lost": list(lost)} if lost else {}), [row])


def check(
    task: Task,
    profile: Profile = "plain",
    tokens_of: TokensOf = None,
    as_json: Json = False,
) -> None:
    """Errors stand in the way of an export, warnings are worth a look; status 1 where there is an error."""
    from e2lm_core.export.submission import check_findings
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    question_set = open_task(studio.settings, task)
    with busy_indicator(f"Checking {question_set.name}"):
        found = check_findings(studio, question_set, _profile(profile), tokens_of=tokens_of)
        rows = [finding.model_dump() for finding in found]
    document = {
        name: [
            {k: v for k, v in row.items() if k != "severity"} for row in rows if row["severity"] == severity
        ]
        for name, severity in (("errors", "error"), ("warnings", "warning"))
    }
    print_table(as_json, document, rows, ("severity", "sentence"))
    if document["errors"]:
        raise typer.Exit(1)


def verify(
    bundle: Zip,
    checkpoint: At = None,
    num_fewshot: Shots = None,
    python: Python = None,
    questions: Documents = False,
    as_json: Json = False,
) -> None:
    """Run a bundle in lm-evaluation-harness itself, 0-shot and few-shot, beside the studio; status 1 where they differ."""
    from e2lm_core.export import verify as verifying
    from e2lm_core.people import access
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    access.require_path(studio.settings, expand_home(bundle).resolve())
    data = read_file(bundle, studio.settings.limits.max_file_bytes)
    chosen = (
        studio.catalogue.match_globs([checkpoint])[-1]
        if checkpoint
        else verifying.smallest_checkpoint(studio)
    )
    document = verifying.verify_bundle(
        studio, data, chosen, num_fewshot, python or sys.executable, lambda said: typer.echo(said, err=True)
    )
    if not questions:
        document.pop("questions")
    print_table(as_json, document, document["runs"])
    if not as_json:
        typer.echo(
            f"{'Verified' if document['verified'] else 'Not verified'}: {document['task']} at "
            f"{document['checkpoint']} in lm_eval {document['harness']['lm_eval']}."
        )
    if not document["verified"]:
        raise typer.Exit(1)


def _profile(name: str) -> ProfileName:
    """Profile of a name. Raises StudioError for an unknown one."""
    if name == "plain":
        return "plain"
    if name == "competition":
        return "competition"
    raise StudioError(f"The profile {quote(name)} does not exist: use plain or competition.")
