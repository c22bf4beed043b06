"""Makes an environment, lets lighteval and Inspect evaluate two checkpoints of the ladder in it, and keeps the files.

`python -m benchmarks.interop.written [--env DIR] [--out DIR]` takes some minutes and 7 GB where no environment is given.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import unpacking
from e2lm_core.checkpoints.catalogue import open_catalogue

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
WRITTEN = ROOT / "tests" / "imported" / "formats" / "written"
# lighteval 0.13 calls what later versions of these three have no longer.
PACKAGES = ("lighteval==0.13.0", "inspect-ai==0.3.285", "transformers<5", "huggingface_hub<1", "xxhash<4")
MODEL, STEPS = "ladder-small-arch1", (1_000, 2_000)
EVERY = 34  # of ladder_science's questions: 13 of them
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def environment(folder: Path) -> Path:
    """Its `bin`; made where it is not there. A task of lighteval that downloads as it is imported is left out."""
    if not (folder / "bin" / "lighteval").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *PACKAGES], check=True)
    for downloads in folder.glob("lib/*/site-packages/lighteval/tasks/tasks/tiny_benchmarks.py"):
        downloads.unlink()
    return folder / "bin"


def prepare(work: Path) -> None:
    """Questions, tasks and checkpoints in the folder that the tools run in, so that no path of a machine is written."""
    settings = Settings.from_env()
    for checkpoint in open_catalogue(settings).checkpoints:
        if checkpoint.model.name == MODEL and checkpoint.step in STEPS:
            folder = unpacking.ensure_directory(checkpoint, settings)
            shutil.copytree(folder, work / MODEL / f"iter_{checkpoint.step:07d}")
    rows = (
        (ROOT / "tasks" / "ladder_science" / "test.jsonl").read_text(encoding="utf-8").splitlines()[::EVERY]
    )
    kept = [{k: json.loads(row)[k] for k in ("id", "question", "choices", "answer")} for row in rows]
    (work / "questions").mkdir()
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    (work / "questions" / "test.jsonl").write_text(text, encoding="utf-8")
    for task in HERE.glob("*_task.py"):
        shutil.copy(task, work)


def write(bin_: Path, work: Path) -> None:
    """Both tools on both checkpoints; Inspect writes one log as JSON and one as `.eval`."""
    for step, form in zip(STEPS, ("eval", "json"), strict=True):
        model = f"{MODEL}/iter_{step:07d}"
        for command in (
            f"lighteval accelerate model_name={model},batch_size=4,dtype=float32 ladder_science|0 "
            "--custom-tasks lighteval_task.py --output-dir lighteval --save-details",
            f"inspect eval inspect_task.py --model hf/local -M model_path={model} -M use_chat_template=false "
            f"--max-tokens 8 --log-dir inspect --display plain --no-log-samples --log-format {form}",
        ):
            name, *arguments = command.split()
            subprocess.run([bin_ / name, *arguments], cwd=work, env={**os.environ, **OFFLINE}, check=True)


def main() -> int:
    """Write the files and say which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, help="An environment to keep; else one is made and thrown away.")
    parser.add_argument("--out", type=Path, default=WRITTEN, help="Where the files go.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        work = Path(made) / "work"
        work.mkdir()
        prepare(work)
        write(environment((given.env or Path(made) / "env").absolute()), work)
        for tool in ("lighteval", "inspect"):
            shutil.rmtree(given.out / tool, ignore_errors=True)
            shutil.copytree(work / tool, given.out / tool)
    for path in sorted(given.out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:>9,}  {path.relative_to(given.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
