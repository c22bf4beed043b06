"""Whatever a user gets wrong is one sentence on stderr and exit 2, and harms nothing on disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2lm_core.base.errors import LimitError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection, versions
from tests.conftest import ROOT
from tests.support import studios
from tests.support.fake_backend import FakeBackend

Refused = Callable[..., str]


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    return settings


@pytest.fixture
def refused(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must fail, and return its one sentence."""
    for name, value in studios.environment(here).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == 2
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.rstrip().endswith((".", ")", "?")), err
        assert "Traceback" not in err
        return err.strip()

    return run


COMMANDS = ("evaluate", "score", "relevance", "check", "export")


def arguments(command: str, task: str, folder: Path) -> tuple[str, ...]:
    return (command, task, *(("--out", str(folder / "x.zip")) if command == "export" else ()))


# --- the command itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("evaluat", "little"), "evaluat"),
        (("evaluate",), "TASK"),
        (("evaluate", "little", "--nonsense"), "--nonsense"),
        (("evaluate", "little", "--num-fewshot", "many"), "--num-fewshot"),
        (("evaluate", "little", "more"), "more"),
        (("export", "little"), "--out"),
        (("sq",), "FILE.json"),
        (("worker", "--idle-exit", "soon"), "--idle-exit"),
    ],
)
def test_a_command_that_is_not_one(refused: Refused, words: tuple[str, ...], says: str) -> None:
    assert says in refused(*words)


# --- sets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["nothing", "", "no/such/folder", "x" * 5_000])
def test_an_unknown_task(refused: Refused, tmp_path: Path, command: str, name: str) -> None:
    assert "little" in refused(*arguments(command, name, tmp_path))


YAML = "task: bad\ncustom_dataset: !function loader.load\noutput_type: multiple_choice\ntest_split: test\nfewshot_split: dev\ndoc_to_text: 'Question: {{question}}\\nAnswer:'\ndoc_to_choice: '{{choices}}'\ndoc_to_target: answer\n"
ROW = {"id": "a", "question": "Why?", "choices": ["one", "two"], "answer": 0}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"test.jsonl": b"{not json\n"}, "test.jsonl, line 1"),
        ({"test.jsonl": b'{"question": "\xff"}\n'}, "UTF-8"),
        ({"test.jsonl": b"[1, 2]\n"}, "line 1"),
        ({"test.jsonl": b'{"question": "Why?"}\n'}, "lacks choices and answer"),
        ({"test.jsonl": json.dumps(ROW | {"answer": 2}).encode()}, "gold is 2"),
        ({"test.jsonl": json.dumps(ROW | {"answer": "one"}).encode()}, "index"),
        ({"test.jsonl": json.dumps(ROW | {"choices": ["one"]}).encode()}, "choice"),
        ({"test.jsonl": b""}, "no questions"),
        ({"test.jsonl": None}, "test.jsonl"),
        ({"bad.yaml": b"task: bad\ntask: worse\n"}, "output_type"),
        ({"bad.yaml": b"task: [bad\n"}, "bad.yaml"),
        ({"bad.yaml": b"\xff\xfe"}, "UTF-8"),
        ({"bad.yaml": b""}, "bad.yaml"),
        ({"bad.yaml": f"{YAML}include: ../other.yaml\n".encode()}, "include"),
        ({"bad.yaml": f"{YAML}process_docs: !function utils.process\n".encode()}, "process_docs"),
        ({"bad.yaml": YAML.replace("loader.load", "os.system").encode()}, "os.system"),
        ({"bad.yaml": f"{YAML}x: !!python/object/apply:os.system ['id']\n".encode()}, "bad.yaml"),
        ({"bad.yaml": YAML.replace("{{question}}", "{{question.__class__}}").encode()}, "__class__"),
        (
            {"bad.yaml": YAML.replace("{{question}}", "{% for a in range(10**9) %}.{% endfor %}").encode()},
            "range",
        ),
        ({"bad.yaml": YAML.replace("{{question}}", "{{question").encode()}, "template"),
        ({"bad.yaml": YAML.replace("multiple_choice", "generate_until").encode()}, "multiple_choice"),
        ({"loader.py": b"import os\n"}, "loader"),
        ({"other.yaml": b"task: other\n", "bad.yaml": None}, "output_type"),
    ],
)
def test_a_folder_that_is_no_usable_set(
    refused: Refused, here: Settings, tmp_path: Path, files: dict[str, bytes | None], says: str
) -> None:
    folder = tmp_path / "bad"
    shutil.copytree(here.tasks / "little", folder)
    (folder / "little.yaml").unlink()
    (folder / "bad.yaml").write_text(YAML)
    for name, data in files.items():
        if data is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(data)
    before = studios.tree(folder)
    for command in ("evaluate", "export"):
        assert says in refused(*arguments(command, str(folder), tmp_path)), command
    assert studios.tree(folder) == before
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("shots", ["3", "-1", "33", "1000000"])
@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_a_few_shot_count_that_cannot_be(refused: Refused, command: str, shots: str) -> None:
    assert "num_fewshot" in refused(command, "little", "--num-fewshot", shots)


def test_an_invalid_question_is_named_by_check_and_stops_an_export(
    here: Settings, refused: Refused, tmp_path: Path
) -> None:
    """`check` reports, so it succeeds; `export` refuses with the first error."""
    file = here.tasks / "little" / "test.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2]["choices"][1] = rows[2]["choices"][0]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "Question 3: choices A and B are the same" in refused(
        "export", "little", "--out", str(tmp_path / "x.zip")
    )
    assert not (tmp_path / "x.zip").exists()


def test_text_that_is_half_a_character_is_refused_before_it_is_run(
    refused: Refused, here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ladder = studios.real_ladder(tmp_path / "real", steps=(100,), models=("ladder-small-arch1",))
    monkeypatch.setenv("E2LM_LADDER", str(ladder))
    file = here.tasks / "little" / "test.jsonl"
    file.write_text(file.read_text().replace("twice the number 2?", "twice \\ud800 the number 2?"))
    assert "Question 2: its prompt holds a half character" in refused("evaluate", "little")


# --- checkpoints --------------------------------------------------------------------------------------


@pytest.mark.parametrize("glob", ["nothing", "ladder-small-arch1/iter_0000101", "*/step*", "", "[", "**/x"])
@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_a_glob_that_matches_nothing(refused: Refused, command: str, glob: str) -> None:
    assert "No checkpoint matches" in refused(command, "little", "--checkpoints", glob)


def test_one_bad_glob_among_good_ones(refused: Refused) -> None:
    words = ("--checkpoints", "ladder-small-arch1", "--checkpoints", "nothing")
    assert "'nothing'" in refused("evaluate", "little", *words)


def test_no_ladder_at_all(refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2LM_LADDER", str(tmp_path / "none"))
    assert "choose at least one" in refused("evaluate", "little")


def test_a_missing_a_truncated_and_an_altered_checkpoint(refused: Refused, here: Settings) -> None:
    packed = here.ladder / "weights" / "ladder-small-arch1" / "iter_0000100.xz"
    glob = ("--checkpoints", "ladder-small-arch1/iter_0000100")
    packed.write_bytes(packed.read_bytes()[:3])
    assert "cut short or altered" in refused("evaluate", "little", *glob)
    packed.unlink()
    assert "cannot be read" in refused("evaluate", "little", *glob)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("E2LM_DTYPE", "float128", "E2LM_DTYPE is 'float128'"),
        ("E2LM_THREADS", "none", "E2LM_THREADS is 'none'"),
        ("E2LM_THREADS", "0", "E2LM_THREADS is '0'"),
    ],
)
def test_a_setting_that_cannot_be(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    assert says in refused("evaluate", "little")


# --- results ------------------------------------------------------------------------------------------


def test_no_results_yet(refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder = studios.real_ladder(tmp_path / "real", steps=(100,), models=("ladder-small-arch1",))
    monkeypatch.setenv("E2LM_LADDER", str(ladder))
    assert "run `evaluate little` first" in refused("score", "little")


@pytest.mark.parametrize("command", ["evaluate", "score", "check", "export", "worker"])
def test_a_corrupt_database_is_named_and_left_alone(
    refused: Refused, here: Settings, tmp_path: Path, command: str
) -> None:
    here.home.mkdir()
    here.database.write_bytes(b"no database" * 1_000)
    words = (command, "--once") if command == "worker" else arguments(command, "little", tmp_path)
    assert "damaged or not a database" in refused(*words)
    assert here.database.read_bytes() == b"no database" * 1_000


def test_a_database_with_a_damaged_page(refused: Refused, here: Settings) -> None:
    studio = open_studio(here, FakeBackend())
    task = collection.open_set(here, "little")
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    studio.store.database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    studio.store.database.close()
    data = bytearray(here.database.read_bytes())
    data[4_096:] = b"\xff" * (len(data) - 4_096)
    here.database.write_bytes(data)
    assert "damaged" in refused("score", "little")


def test_a_database_of_a_newer_version(refused: Refused, here: Settings) -> None:
    open_studio(here, FakeBackend()).store.database.close()
    connection = sqlite3.connect(here.database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "update the studio" in refused("score", "little")


def test_a_home_that_is_a_file(refused: Refused, here: Settings) -> None:
    here.home.write_text("")
    assert "E2LM_HOME" in refused("evaluate", "little")


def test_a_full_queue(here: Settings) -> None:
    limited = here.model_copy(update={"limits": Limits(max_queued_jobs=1)})
    studios.write_example(limited, studios.task(name="second"))
    studio = open_studio(limited, FakeBackend())
    studios.start_run(studio, "little", studio.catalogue.checkpoints)
    with pytest.raises(LimitError) as error:
        studios.start_run(studio, "second", studio.catalogue.checkpoints)
    assert str(error.value).count("\n") == 0
    assert "at most 1" in str(error.value)


# --- files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["", "Plain", "competitive"])
@pytest.mark.parametrize("command", ["check", "export"])
def test_a_profile_that_does_not_exist(refused: Refused, tmp_path: Path, command: str, profile: str) -> None:
    words = (*arguments(command, "little", tmp_path), "--profile", profile)
    assert "use plain or competition" in refused(*words)


def test_a_bundle_that_the_competition_would_not_take(refused: Refused, tmp_path: Path) -> None:
    words = (*arguments("export", "little", tmp_path), "--profile", "competition")
    assert "100 to 15,000" in refused(*words)
    assert not (tmp_path / "x.zip").exists()


def test_an_out_that_cannot_be_written(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file" / "x.zip", tmp_path, Path("/proc/x.zip"), tmp_path / ("x" * 300)):
        assert refused("export", "little", "--out", str(out))
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_output_that_cannot_be_printed_is_no_traceback(here: Settings) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "e2lm_core", "tasks", "--json"],
            cwd=ROOT,
            env=os.environ | studios.environment(here),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "cannot be read"),
        (b"{", "JSON"),
        (b"[]", "holds no curves"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"data": {"m": {"iteration": [1, 2], "gtokens": [1], "b": [1, 2]}}}', "one length"),
        (b'{"data": {"m": {"b": [1]}}}', "lacks the list"),
        (b'{"data": {"m": {"iteration": [1], "gtokens": [1], "b": ["x"]}}}', "b"),
        (b"[" * 100_000, "nests too deeply"),
    ],
)
def test_published_curves_that_are_none(
    refused: Refused, tmp_path: Path, data: bytes | None, says: str
) -> None:
    file = tmp_path / "curves.json"
    if data is not None:
        file.write_bytes(data)
    assert says in refused("sq", str(file))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"{", "line 1"),
        (b'{"question": "Why?"}\nnot json\n', "line 2"),
        (b"\xff", "UTF-8"),
        (b'{"text": "Why?"}\n', "question 1: it needs a `question`"),
        (b'{"question": ""}\n', "question 1"),
        (b'{"question": 5}\n', "question 1"),
        (b'{"question": "Why?", "choices": "abc"}\n', "`choices` must be a list"),
        (b'{"question": "Why \\ud800?"}\n', "half character"),
        (b'{"question": "Why?"}\n' * 20_001, "20,001 rows"),
    ],
)
def test_questions_whose_relevance_cannot_be_told(
    refused: Refused, tmp_path: Path, data: bytes | None, says: str
) -> None:
    file = tmp_path / "some.jsonl"
    if data is not None:
        file.write_bytes(data)
    assert says in refused("relevance", str(file))
    assert refused("relevance", str(tmp_path / "folder.jsonl"))
    (tmp_path / "folder.jsonl").mkdir()
    assert refused("relevance", str(tmp_path / "folder.jsonl"))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", b"\xff\xfe\x00", "UTF-8"),
        ("a.csv", b"question,A,B,answer\n" + b"Why?,a,b,0\n" * 200_000, "200,000 rows"),
        ("a.xlsx", b"PK", "not a readable zip"),
        ("a.docx", b"PK", "use .csv"),
        ("a.json", b"{}", "list of JSON objects"),
        ("a.jsonl", b"{]\n", "line 1"),
    ],
)
def test_an_import_that_is_none(here: Settings, name: str, data: bytes, says: str) -> None:
    with pytest.raises(Exception, match=says) as error:
        authoring.preview_import(here, data, name)
    assert type(error.value).__name__ in ("TaskError", "LimitError")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file size limit as Unix has it")
def test_a_disk_that_is_full_while_saving_leaves_the_set_as_it_was(here: Settings, tmp_path: Path) -> None:
    """A process whose files may have a few thousand bytes, as on a disk with no more room."""
    collection.copy_set(here, "little", "mine")
    authoring.update_questions(here, "mine", {"q1": {"question": "First edit?"}})
    before = studios.tree(here.sets)
    code = (
        "import resource, signal, sys\n"
        "from e2lm_core.sets import authoring\n"
        "from e2lm_core.base.errors import StudioError\n"
        "from e2lm_core.base.settings import Settings\n"
        "settings = Settings.from_env()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))\n"
        "import random\n"
        "text = ''.join(random.choices('abcdefghijklmnop ', k=19_000))\n"
        "try:\n"
        "    authoring.update_questions(settings, 'mine', {'q2': {'question': text}})\n"
        "except StudioError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | studios.environment(here),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("Nothing was changed: ")
    assert studios.tree(here.sets) == before
    assert versions.available_undo(here, "mine") == ("edit question q1", None)


@pytest.mark.slow
def test_stopping_a_command_from_the_keyboard_is_no_traceback(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path, ladder=studios.real_ladder(tmp_path / "real"))
    task: TaskSet = studios.task(count=2_000, name="long")
    studios.write_example(settings, task)
    process = subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "evaluate", "long"],
        cwd=ROOT,
        env=os.environ | studios.environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell starts background jobs with the key ignored, and Python leaves it so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    studio = open_studio(settings)
    first = run_order.plan_order(studio.catalogue.checkpoints)[0]
    while not studios.stored_count(studio.store, studio.backend.scope(first)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b" of 80,000 results are kept; the same command goes on from there." in err.splitlines()[-1]
