"""Time and memory of a large table on the shelf: adding it, and what a page and a command read of it.

python -m benchmarks.speed.shelf [--rows 1400000] [--form csv|parquet]     # three minutes

The table is made: 1,050 models as DataDecide has them (25 recipes, 14 sizes, 3 seeds), 20 checkpoints of each, and as
many benchmarks as give the rows. The memory of a step is that of the largest of its processes, the sandbox among them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from e2lm_core.ui.cache.shelf import MAX_CURVES

MODELS, CHECKPOINTS = 1_050, 20
PAGE = MAX_CURVES // MODELS  # benchmarks of one drawing
# What the table of all benchmarks and the panel beside a set read, without Streamlit.
LIST = """
from e2lm_core.base.settings import Settings
from e2lm_core.imported.shelf import library, overview, tables
shown = library.benchmarks("made", Settings.from_env())
assert len(tables.overview_frame([overview.overview(one) for one in shown[:{count}]])) == {count}
"""
BESIDE = """
from e2lm_core.base.settings import Settings
from e2lm_core.imported.shelf import beside, library, tables
shown = library.benchmarks("made", Settings.from_env())
curves = library.open_curves(shown[3], "acc")
tables.banded_frame(curves), beside.shelf_side(shown[3], curves, 8)
"""


def made_table(rows: int, path: Path) -> int:
    """Write a table of about so many rows, as CSV or Parquet by its suffix; return their exact number."""
    benchmarks = max(1, round(rows / (MODELS * CHECKPOINTS)))
    rng = np.random.default_rng(0)
    sizes = [f"{size}M" for size in (4, 6, 8, 10, 14, 16, 20, 60, 90, 150, 300, 530, 750, 1_000)]
    models = [f"recipe{r:02d}-{size}-seed-{seed}" for r in range(25) for size in sizes for seed in range(3)]
    steps = np.arange(1, CHECKPOINTS + 1) * 1_250
    for number in range(benchmarks):
        values = 0.25 + 0.3 * np.sort(rng.random((MODELS, CHECKPOINTS)), axis=1)
        frame = pd.DataFrame(
            {
                "model": np.repeat(models, CHECKPOINTS),
                "step": np.tile(steps, MODELS),
                "tokens": np.tile(steps * 524_288, MODELS),
                "benchmark": f"benchmark_{number:02d}",
                "metric": "acc",
                "value": values.reshape(-1),
                "stderr": np.sqrt(values * (1 - values) / 1_200).reshape(-1),
            }
        )
        if path.suffix == ".csv":
            frame.to_csv(path, index=False, mode="w" if not number else "a", header=not number)
        else:
            _append(path, frame, number, benchmarks)
    return benchmarks * MODELS * CHECKPOINTS


_WRITERS: list = []


def _append(path: Path, frame: pd.DataFrame, number: int, last: int) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    table = arrow.Table.from_pandas(frame, preserve_index=False)
    if not number:
        _WRITERS.append(parquet.ParquetWriter(path, table.schema))
    _WRITERS[-1].write_table(table)
    if number == last - 1:
        _WRITERS.pop().close()


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Seconds of a command, processor seconds and megabytes of the largest of its processes, the sandbox among them."""
    start = time.perf_counter()
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    largest: dict[int, tuple[float, float]] = {}
    while running.poll() is None:
        for process in _tree(running.pid):
            with suppress(OSError, IndexError, ValueError):
                largest[process] = _used(process)
        time.sleep(0.02)
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    seconds = time.perf_counter() - start
    return seconds, sum(used for used, _ in largest.values()), max(size for _, size in largest.values())


def _tree(root: int) -> list[int]:
    """A process and all that it started, and so on."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def _used(process: int) -> tuple[float, float]:
    """Processor seconds of a process so far, and the most megabytes that it held."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text()
    held = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), held


def main() -> None:
    """Print seconds and megabytes of each step."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.shelf", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rows", type=int, default=1_400_000)
    parser.add_argument("--form", choices=("csv", "parquet"), default="csv")
    given = parser.parse_args()
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"E2LM_HOME": str(Path(folder) / "home")}
        table = Path(folder) / f"made.{given.form}"
        rows = made_table(given.rows, table)
        print(f"{rows:,} rows, {table.stat().st_size / 1e6:.0f} MB of {given.form}")
        steps = {
            "shelf add": [python, "-m", "e2lm_core", "shelf", "add", str(table)],
            "import of the studio alone": [python, "-c", LIST.split("shown")[0]],
            "one benchmark beside a set": [python, "-c", BESIDE],
            "one drawing of the table": [python, "-c", LIST.format(count=PAGE)],
            "table of all benchmarks": [python, "-c", LIST.format(count=rows // (MODELS * CHECKPOINTS))],
            "shelf show": [
                python,
                "-m",
                "e2lm_core",
                "shelf",
                "show",
                "benchmark_03",
                "--source",
                "made",
                "--json",
            ],
        }
        for name, command in steps.items():
            seconds, used, megabytes = measured(command, environment)
            print(f"{name}: {seconds:.1f} s ({used:.1f} s of processor), {megabytes:.0f} MB", flush=True)
        (kept,) = Path(folder).rglob("made.columns")
        print(f"kept: {kept.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
