"""Many people on one server: how long they wait, whether an error came, and whether its memory stays.

    python -m benchmarks.people [--sessions 50] [--seconds 600] [--edits .02] [--beside-run] [--json]

The app is started on a free port with a home of its own: a copy of the science set with results at the whole
embedded ladder. Sessions are websockets that speak Streamlit's protocol. They visit all pages at random with
0 to 2 s between, the seconds are from the request until the page's script has finished. An edit changes a
question's text, is acknowledged when it is on disk, and starts a run as it does in the browser; of one step in
50 each person edits about once a minute. `--beside-run` keeps a full run of the ladder on another set going.
Prints a table, writes JSON.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.people import crowd, report, server
from benchmarks.prepared import made


def main(
    sessions: Annotated[int, typer.Option(min=1)] = 50,
    seconds: Annotated[float, typer.Option(min=1)] = 600.0,
    edits: Annotated[float, typer.Option(min=0, max=1, help="The share of steps that are an edit.")] = 0.02,
    beside_run: Annotated[
        bool, typer.Option("--beside-run", help="Beside a full run of the ladder.")
    ] = False,
    pages: Annotated[
        str, typer.Option(help="Views as links name them, with commas between; all by itself.")
    ] = "",
    start: Annotated[float, typer.Option(min=0, help="Seconds within which the sessions arrive.")] = 10.0,
    warm: Annotated[bool, typer.Option(help="Draw every page once before the clock starts.")] = True,
    seed: int = 0,
    home: Annotated[Path | None, typer.Option(help="Keep the home here, and use what is there.")] = None,
    log: Annotated[Path | None, typer.Option(help="The file of the server's words.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Measure, print, write."""
    chosen = [page.strip() for page in pages.split(",") if page.strip()]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:  # a worker may still write
        place = home or Path(temporary) / "home"
        folder = server.prepare(place)
        looks: list[server.Look] = []
        with server.served(place, log or Path(temporary) / "server.log") as (url, process):
            if warm:
                asyncio.run(crowd.warm(url, server.SHARED))
            if beside_run:
                server.queue_beside(place)
            since = time.monotonic()
            seen = asyncio.run(
                crowd.visiting(
                    url,
                    server.SHARED,
                    folder,
                    sessions,
                    seconds,
                    edits,
                    seed,
                    start,
                    chosen,
                    lambda: looks.append(server.look(process, since)),
                    server.BESIDE if beside_run else None,
                )
            )
            beside = server.progress_beside(place) if beside_run else None
    options = {"sessions": sessions, "seconds": seconds, "edits": edits, "warm": warm, "seed": seed}
    told = {"benchmark": "people", **options, "machine": made.machine(), **report.told(seen, looks)}
    told["beside_run"] = beside
    made.write("people", told)
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        report.show(told)


if __name__ == "__main__":
    typer.run(main)
