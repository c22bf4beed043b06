"""How far a command is: nothing within two seconds, then a line now and then; in a terminal a bar."""

from __future__ import annotations

import sys
import time

from e2lm_core.commands import progress


def test_what_is_quick_says_nothing(capsys):
    with progress.bytes_bar("Reading x") as say:
        say(1, 2)
        say(2, 2)
    with progress.busy_indicator("Checking"):
        pass
    with progress.progress_bar("evaluating", 10) as advance:
        advance("a", 3)
    assert capsys.readouterr() == ("", "")


def test_what_takes_longer_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    with progress.bytes_bar("Reading x") as say:
        say(500_000, 2_000_000)
        say(1_000_000, 2_000_000)  # within five seconds of the last line
    assert capsys.readouterr().err == "Reading x: 25% of 2 MB\n"
    with progress.progress_bar("\x1bset", 10) as advance:
        advance("small/step1", 3)
    assert capsys.readouterr().err == "\\x1bset: 30% small/step1\n"
    with progress.busy_indicator("Checking"):
        time.sleep(0.05)
    assert capsys.readouterr().err == "Checking … about 1 s\n"


def test_a_terminal_has_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.progress_bar("set", 4) as advance:
        advance("[red]x", 4)
    with progress.progress_bar("set", 4, hidden=True) as advance:
        advance("y", 4)
    assert "y" not in capsys.readouterr().err
