"""Files for a pull request to lm-evaluation-harness.

Tested in tests/export/test_upstream.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.formatting import count, escape_markdown, one_line
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.export.patch import PLACE
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import README, task_files

# Checklist of the harness's template for a new task's README.
_TEMPLATE = (
    "Is the task an existing benchmark in the literature?",
    "Have you referenced the original paper that introduced the task?",
    "If yes, does the original paper provide a reference implementation?",
    'Is the "Main" variant of this task clearly denoted?',
    "Have you provided a short sentence in a README on what each new variant adds / evaluates?",
    "Have you noted which, if any, published evaluation setups are matched by this variant?",
)
ROW, REQUEST = "README-row.md", "PULL_REQUEST.md"


def pull_request(task: TaskSet, limits: Limits, findings: Sequence[Finding] = ()) -> bytes:
    """Files of a pull request to the harness as one zip; the same bytes for the same set.

    They are `lm_eval/tasks/NAME/…` for a checkout, `README-row.md` with the row of the table in
    `lm_eval/tasks/README.md`, and `PULL_REQUEST.md`. The folder's README has the headings of the harness's
    template.

    Args:
        task: The set.
        limits: Limits on its files.
        findings: Warnings of the checks, for the reviewer.

    Raises:
        TaskError: The set's files cannot be written.
    """
    files = {f"{PLACE}/{task.name}/{name}": data for name, data in task_files(task, limits).items()}
    files[f"{PLACE}/{task.name}/{README}"] = _readme(
        task, files[f"{PLACE}/{task.name}/{README}"].decode()
    ).encode()
    return bundle.zip_files(
        {**files, ROW: _row(task, findings).encode(), REQUEST: _request(task, findings).encode()}
    )


def _readme(task: TaskSet, written: str) -> str:
    """README of the set, completed with the headings of the harness's template."""
    there = {line.lstrip("# ").strip().lower() for line in written.split("\n") if line.startswith("#")}
    sources = sorted({q.source for q in task.questions if q.source})
    named = ", ".join(sources[:6]) or "the set itself; no source is named"
    parts = {
        "Paper": f"Title: `none yet`\n\n{_about(task)} Sources: {named}.",
        "Citation": "None yet: say here how to cite the questions.",
        "Groups, Tags, and Tasks": f"#### Groups\n\nNone.\n\n#### Tags\n\nNone.\n\n#### Tasks\n\n"
        f"* `{task.name}`: {_about(task)}",
        "Checklist": "\n".join(f"* [ ] {line}" for line in _TEMPLATE),
    }
    lacking = [
        f"### {heading}\n\n{text}\n" for heading, text in parts.items() if heading.lower() not in there
    ]
    return "\n".join([written.rstrip("\n") + "\n", *lacking])


def _row(task: TaskSet, findings: Sequence[Finding]) -> str:
    """Row of the harness's table of tasks: | [name](name/README.md) | description | languages |"""
    cells = (f"[{task.name}]({task.name}/{README})", _about(task), escape_markdown(_language(task, findings)))
    return "| " + " | ".join(cells) + " |\n"


def _language(task: TaskSet, findings: Sequence[Finding]) -> str:
    """The set's own statement, else English; an ellipsis if a question may be in another language."""
    doubted = any(finding.code == "not_english" for finding in findings)
    return str(task.config.metadata.get("language") or ("…" if doubted else "English"))


def _about(task: TaskSet) -> str:
    subjects = sorted({q.subject for q in task.questions if q.subject})
    about = f"{count(len(task.questions), 'multiple-choice question')}"
    if subjects:
        named = ", ".join(escape_markdown(one_line(subject, 60)) for subject in subjects[:6])
        about += f" on {named}" + (f" and {len(subjects) - 6} more" if len(subjects) > 6 else "")
    return " ".join(about.split()) + "."


def _request(task: TaskSet, findings: Sequence[Finding]) -> str:
    licences = sorted({q.license for q in task.questions if q.license})
    sources = sorted({q.source for q in task.questions if q.source})
    lines = [
        f"# {escape_markdown(task.config.title) if task.config.title else task.name}",
        "",
        _about(task),
        "",
        f"Copy `{PLACE}/{task.name}` into a checkout, and the line of `{ROW}` into the table of `{PLACE}/{README}`, in "
        "alphabetical order. Then tick off:",
        "",
        f"- [ ] `lm_eval --tasks {task.name} --model hf --model_args pretrained=MODEL --limit 10` runs, 0-shot"
        + (f" and with its {task.config.num_fewshot} examples" if task.config.num_fewshot else ""),
        f"- [ ] `{task.name}/{README}` says who wrote the questions, when, and how to cite them",
        f"- [ ] the licence lets them be passed on ({escape_markdown(', '.join(licences)) or 'none is given yet'})",
        f"- [ ] sources are named ({count(len(sources), 'source') if sources else 'none is given yet'})",
        "- [ ] the questions are new, or the paper that they are of is named with its own numbers",
        "- [ ] the table of tasks has its row"
        + (", with the languages of the questions" if _language(task, findings) == "…" else ""),
        "- [ ] the harness's own checks pass: `pre-commit run --all-files`",
    ]
    if findings:
        lines += [
            "",
            "What the studio's checks say of the set:",
            "",
            *(f"- {escape_markdown(one.sentence)}" for one in findings),
        ]
    return "\n".join(lines) + "\n"
