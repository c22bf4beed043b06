"""Lines of the log: JSON or text, one an event, with the places of an error and without its words."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from e2lm_core.base.settings import ROOT

PROGRAM = """
import logging, warnings
from e2lm_core.deploy import logs
before = logging.getLogger("uvicorn.error")
before.addHandler(logging.StreamHandler())
before.propagate = False
logs.configure_logging()
logs.log_event("started", version="1")
logs.request.set("ab12cd34")
logging.getLogger("e2lm_core.runs.worker").info("job %s stopped", 7)
late = logging.getLogger("streamlit.late")
late.addHandler(logging.StreamHandler())
late.propagate = False
try:
    raise ValueError("a question's\\nwords")
except ValueError as error:
    late.error("Uncaught app execution", exc_info=error)
logging.getLogger("transformers").warning("The text %s is %d%% odd", "a question's words", 7)
logging.getLogger("e2lm_core.base").warning("%s ended a parser", "The file 'a question's words'")
logging.getLogger("uvicorn.error").warning("a question's words " + "are wrong")
"""


def written(kind: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ | {"E2LM_LOG": kind},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stdout
    return done.stderr.splitlines()


def test_json_lines() -> None:
    started, stopped, failed, odd, ended, foreign = map(json.loads, written("json"))
    assert (started["what"], started["version"], started["level"]) == ("started", "1", "info")
    assert started["at"].endswith("Z")
    assert (stopped["what"], stopped["request"]) == ("job 7 stopped", "ab12cd34")
    assert (failed["error"], failed["places"]) == ("ValueError", ["<string>:15 <module>"])
    assert odd["what"] == "The text … is …% odd"
    assert ended["what"] == "… ended a parser"
    assert foreign["what"] == "… (<string>:20)"


def test_text_lines() -> None:
    lines = written("text")
    assert len(lines) == 6
    assert lines[0].endswith("info started version=1")
    assert not any("words" in line for line in lines)


def test_off_leaves_the_log_as_libraries_write_it() -> None:
    assert written("off")[0] == "Uncaught app execution"
