"""What a pull request to lm-evaluation-harness holds: the task's folder, its row in the list of tasks, what to tick off.

Tested in tests/export/test_upstream.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2lm_core.base.phrasing import count
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.export.patch import PLACE
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import README, task_files

ROW, REQUEST = "README-row.md", "PULL_REQUEST.md"


def pull_request(task: TaskSet, limits: Limits, findings: Sequence[Finding] = ()) -> bytes:
    """`lm_eval/tasks/NAME/…` for a checkout of the harness, `README-row.md` and `PULL_REQUEST.md`, as one zip.

    The row is one of the table in `lm_eval/tasks/README.md`. `findings` are the checks' warnings, which a reviewer
    should know. The same set gives the same bytes. Raises TaskError for a set whose files cannot be written.
    """
    files = {f"{PLACE}/{task.name}/{name}": data for name, data in task_files(task, limits).items()}
    return bundle.zipped({**files, ROW: _row(task).encode(), REQUEST: _request(task, findings).encode()})


def _row(task: TaskSet) -> str:
    """| [name](name/README.md) | what it asks | languages |"""
    cells = (f"[{task.name}]({task.name}/{README})", _about(task), "English")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _about(task: TaskSet) -> str:
    subjects = sorted({q.subject for q in task.questions if q.subject})
    about = f"{count(len(task.questions), 'multiple-choice question')}"
    if subjects:
        named = ", ".join(subjects[:6])
        about += f" on {named}" + (f" and {len(subjects) - 6} more" if len(subjects) > 6 else "")
    return " ".join(about.split()) + "."


def _request(task: TaskSet, findings: Sequence[Finding]) -> str:
    licences = sorted({q.license for q in task.questions if q.license})
    sources = sorted({q.source for q in task.questions if q.source})
    lines = [
        f"# {task.name}",
        "",
        _about(task),
        "",
        f"Copy `{PLACE}/{task.name}` into a checkout, and the line of `{ROW}` into the table of `{PLACE}/{README}`, in "
        "alphabetical order. Then tick off:",
        "",
        f"- [ ] `lm_eval --tasks {task.name} --model hf --model_args pretrained=MODEL --limit 10` runs, 0-shot"
        + (f" and with its {task.config.num_fewshot} examples" if task.config.num_fewshot else ""),
        f"- [ ] `{task.name}/{README}` says who wrote the questions, when, and how to cite them",
        f"- [ ] the licence lets them be passed on ({', '.join(licences) or 'none is given yet'})",
        f"- [ ] sources are named ({count(len(sources), 'source') if sources else 'none is given yet'})",
        "- [ ] the questions are new, or the paper that they are of is named with its own numbers",
        "- [ ] the table of tasks has its row",
        "- [ ] the harness's own checks pass: `pre-commit run --all-files`",
    ]
    if findings:
        lines += [
            "",
            "What the studio's checks say of the set:",
            "",
            *(f"- {one.sentence}" for one in findings),
        ]
    return "\n".join(lines) + "\n"
