"""Competition submission: git patch and metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from e2lm_core.base.errors import TaskError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import task_files

METRICS = ("acc", "acc_norm")  # metrics that the task's YAML requests from the harness
PLACE = "lm_eval/tasks"
PATCH, METADATA = "evaluation.patch", "metadata.yaml"


def submission(task: TaskSet, limits: Limits, metric: str = "acc") -> bytes:
    """`evaluation.patch` and `metadata.yaml` as one zip; the same bytes for the same set.

    The patch adds `lm_eval/tasks/NAME/…` to a checkout of the harness: `git apply evaluation.patch` at its
    top. The metadata leaves the hub's token empty for the participant.

    Args:
        task: The set.
        limits: Limits on its files.
        metric: Metric by which the set is judged: acc or acc_norm.

    Raises:
        TaskError: The set's files cannot be written, or the harness does not compute `metric`.
    """
    if metric not in METRICS:
        raise TaskError(
            Sentence(
                "The harness does not compute {metric} for a set: use {metrics}.",
                metric=quote(metric),
                metrics=" or ".join(METRICS),
            )
        )
    files = {f"{PLACE}/{task.name}/{name}": data for name, data in task_files(task, limits).items()}
    return bundle.zip_files({PATCH: added(files), METADATA: metadata(task.name, metric)})


def added(files: Mapping[str, bytes]) -> bytes:
    """Git diff that adds files, given by their paths from the top; only newlines end its lines."""
    return b"".join(_added(path, files[path]) for path in sorted(files))


def metadata(name: str, metric: str) -> bytes:
    """YAML of the submission: task and metric; the token is left empty."""
    return (
        f"task_name: {json.dumps(name)}\n"
        f"task_metric: {json.dumps(metric)}\n"
        "# Your own Hugging Face token, for the submission alone: write it here just before you submit.\n"
        'hf_token: ""\n'
    ).encode()


def _added(path: str, data: bytes) -> bytes:
    name = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex {'0' * 40}..{name}\n"
    if not data:
        return head.encode()
    lines = data.split(b"\n")
    ended = not lines[-1]
    lines = lines[:-1] if ended else lines
    count = "" if len(lines) == 1 else f",{len(lines)}"
    head += f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1{count} @@\n"
    body = b"".join(b"+" + line + b"\n" for line in lines)
    return head.encode() + body + (b"" if ended else b"\\ No newline at end of file\n")
