import subprocess
import sys
import time

import psutil
import pytest
import typer

from benchmarks.speed import visits


def test_a_folder_without_a_home_is_refused(tmp_path):
    (tmp_path / "100000-20-25" / "home").mkdir(parents=True)
    with pytest.raises(typer.BadParameter, match="holds no home"):
        visits.main(tmp_path)


def test_it_is_drawn_where_it_holds_without_a_break():
    answers = iter([False, True, False])
    begun = time.monotonic()
    seconds = visits._still(lambda: next(answers, True), 0.25)
    assert 3 * visits.LOOK_S <= seconds < time.monotonic() - begun
    assert time.monotonic() - begun - seconds >= 0.25


def test_it_is_at_rest_from_when_on_it_takes_next_to_nothing():
    busy, idle = [(k / 10, k / 10) for k in range(6)], [(k / 10, 0.5) for k in range(6, 16)]
    assert visits.since(busy + idle) == 0.5  # what follows is less than is counted
    assert visits.since([(0.0, 0.0), *busy[1:], *((at, cpu + 0.2) for at, cpu in idle[5:])]) == 1.1


def test_what_never_comes_to_rest_is_said_to_take_for_ever(monkeypatch):
    monkeypatch.setattr(visits, "LATEST_S", 0.2)
    assert visits._still(lambda: False, 0.1) == float("inf")


def test_processes_are_counted_with_all_that_they_have_started():
    # A tenth more than is asked for: the system counts a process's user and system time in whole hundredths.
    busy = "import time; e = time.process_time() + .5\nwhile time.process_time() < e: pass\nprint('', flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stdin
        running.stdout.readline()
        process = psutil.Process(running.pid)
        with visits._watched(process) as seen:
            time.sleep(4 * visits.LOOK_S)
        most = seen.most
        assert visits.cpu_s(process) >= 0.4
        assert len(visits.family(process)) == 2
        assert seen.spent[-1][1] >= 0.4
        assert min(most.values()) > 0
        assert most["server_own_mb"] < most["server_mb"]
        running.stdin.write(b"\n")


def test_all_views_are_visited_but_the_one_that_embeds():
    assert set(visits.urls.VIEWS) - set(visits.VIEWS) == {"relevance"}
