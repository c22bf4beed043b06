"""Commands `report`, `export`, `check` and `verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Exit, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import RC_READINGS
from e2lm_core.base.settings import expand_home
from e2lm_core.commands.opening import open_fleet, open_studio, open_task, require_reading
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Rc, Task, Zip
from e2lm_core.commands.output import goes_to_stdout, print_table, read_file, require_file, to_stdout, warn
from e2lm_core.commands.progress import busy_indicator

if TYPE_CHECKING:
    from e2lm_core.export.submission import Profile as ProfileName

# From the fourth on: the questions as they stand, unchecked.
KINDS = ("bundle", "patch", "upstream", "csv", "jsonl", "xlsx", "gift", "aiken", "qti")
TokensOf = Annotated[
    str | None,
    Option(
        "--tokens-of",
        metavar="NAME",
        help="Count prompts in the tokens of this model or family (default: the models of the set's last run).",
    ),
]
Profile = Annotated[str, Option("--profile", help="plain or competition.")]


def report(
    task: Task,
    out: Annotated[Path, Option("--out", metavar="X.html", help="Where the report is written; - is stdout.")],
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    rc: Rc = RC_READINGS[0],
    relevance: Annotated[
        bool, Option("--relevance", help="Judge each question's scientific relevance too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a set's report as one HTML file that needs no network; --json prints the same as JSON."""
    from e2lm_core.base import atomic
    from e2lm_core.export import html
    from e2lm_core.export import report as reports

    piped = goes_to_stdout(out, as_json)
    require_file(out)
    require_reading(rc)
    studio = open_studio()
    question_set = open_task(studio.settings, task)
    of = open_fleet(studio, task, checkpoints, fleet, num_fewshot)
    with busy_indicator(f"Reporting on {question_set.name}"):
        document = reports.build_report(studio, question_set, of, relevance, rc)
        page = html.render(document).encode("utf-8", "replace")
    if piped:
        to_stdout(page)
        return
    atomic.replace_file(out, page)
    row = {"path": str(out), "bytes": out.stat().st_size}
    print_table(as_json, document, [row], notes=[reports.report_summary(document)])


def export(
    task: Task,
    out: Zip,
    kind: Annotated[
        str,
        Option(
            "--as",
            metavar="KIND",
            help="bundle; patch, the competition's submission.zip; upstream, what a pull request to the harness holds; csv, jsonl, xlsx, gift, aiken or qti, the questions alone.",
        ),
    ] = "bundle",
    profile: Annotated[
        str | None,
        Option(
            "--profile",
            help="plain or competition (default: plain, for a patch competition); questions alone need none.",
        ),
    ] = None,
    metric: Annotated[
        str, Option("--metric", help="What a patch asks to be judged by: acc or acc_norm.")
    ] = "acc",
    tokens_of: TokensOf = None,
    as_json: Json = False,
) -> None:
    """Write the set as a bundle that lm-evaluation-harness runs unchanged, as a submission, or its questions alone."""
    from e2lm_core.export import patch, submission, upstream
    from e2lm_core.sets import selection_origin
    from e2lm_core.sets.folder import bundle
    from e2lm_core.sets.formats import writing

    if kind not in KINDS:
        raise StudioError(f"A set is not exported as {quote(kind)}: use {', '.join(KINDS)}.")
    piped = goes_to_stdout(out, as_json)
    require_file(out)
    studio = open_studio()
    question_set = open_task(studio.settings, task)
    lost: tuple[str, ...] = ()
    with busy_indicator(f"Exporting {question_set.name}"):
        if kind in writing.FORMS:
            origin = selection_origin.origin_of_set(question_set)
            questions = writing.add_origin(question_set.questions, origin, kind)
            data = writing.write_questions(questions, kind)
            lost = writing.lost_content(questions, kind)
        else:
            if profile is None:
                profile = "competition" if kind == "patch" else "plain"
            rules = _profile(profile)
            found = submission.check_findings(studio, question_set, rules, tokens_of=tokens_of)
            data = submission.build_bundle(studio, question_set, rules, found)
            limits = studio.settings.limits
            if kind == "patch":
                data = patch.submission(question_set, limits, metric)
            elif kind == "upstream":
                found = submission.check_findings(studio, question_set)
                data = upstream.pull_request(question_set, limits, found)
    warn(*lost)
    if piped:
        to_stdout(data)
        return
    bundle.write(data, out)
    row = {"path": str(out), "bytes": len(data)}
    print_table(as_json, row | ({"lost": list(lost)} if lost else {}), [row])


def check(task: Task, profile: Profile = "plain", tokens_of: TokensOf = None, as_json: Json = False) -> None:
    """Errors stand in the way of an export, warnings are worth a look; status 1 where there is an error."""
    from e2lm_core.analysis.questions.suspects.shifted_keys import find_shifted_keys
    from e2lm_core.export.submission import check_findings
    from e2lm_core.runs import results, state

    studio = open_studio()
    question_set = open_task(studio.settings, task)
    with busy_indicator(f"Checking {question_set.name}"):
        found = check_findings(studio, question_set, _profile(profile), tokens_of=tokens_of)
    document: dict[str, Any] = {
        f"{severity}s": [f.model_dump(exclude={"severity"}) for f in found if f.severity == severity]
        for severity in ("error", "warning")
    }
    shifted = None
    if not document["errors"]:  # the prompts of a broken question cannot be rendered
        fleet = state.fleet_of_set(studio, task)
        shifted = find_shifted_keys(results.load_measurements(studio, question_set, *fleet.run_arguments))
    document["shifted"] = shifted.sentence if shifted else None
    rows, passed = [f.model_dump() for f in found], "" if shifted else "All checks passed."
    notes = [document["shifted"]]
    print_table(as_json, document, rows, ("severity", "sentence"), empty=passed, notes=notes)
    if document["errors"]:
        raise Exit(1)


def verify(
    bundle: Annotated[Path, Argument(metavar="X.zip", help="A bundle that `export` has written.")],
    checkpoint: Annotated[
        str | None,
        Option(
            "--checkpoint",
            metavar="NAME",
            help="The checkpoint, as model/iter_… (default: the last of the smallest embedded model).",
        ),
    ] = None,
    num_fewshot: Annotated[
        int | None,
        Option(
            "--num-fewshot",
            metavar="K",
            help="Few-shot examples of the second run (default: the set's).",
        ),
    ] = None,
    python: Annotated[
        str | None,
        Option("--python", metavar="PATH", help="The Python that has lm_eval (default: this one)."),
    ] = None,
    questions: Annotated[
        bool, Option("--questions", help="Add every choice's log-likelihoods (nats) in both to the JSON.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a bundle in lm-evaluation-harness itself, 0-shot and few-shot, beside the studio; status 1 where they differ."""
    from e2lm_core.export import verify as verifying
    from e2lm_core.people import access

    studio = open_studio()
    access.require_path(studio.settings, expand_home(bundle).resolve())
    data = read_file(bundle, studio.settings.limits.max_file_bytes)
    if checkpoint:
        chosen = studio.catalogue.match_globs([checkpoint])[-1]
    else:
        chosen = verifying.smallest_checkpoint(studio)
    document = verifying.verify_bundle(studio, data, chosen, num_fewshot, python or sys.executable, warn)
    if not questions:
        document.pop("questions")
    said = "Verified" if document["verified"] else "Not verified"
    said += f": {document['task']} at {document['checkpoint']} in lm_eval {document['harness']['lm_eval']}."
    print_table(as_json, document, document["runs"], notes=[said])
    if not document["verified"]:
        raise Exit(1)


def _profile(name: str) -> ProfileName:
    """Profile of a name. Raises StudioError for an unknown one."""
    if name == "plain":
        return "plain"
    if name == "competition":
        return "competition"
    raise StudioError(f"The profile {quote(name)} does not exist: use plain or competition.")
