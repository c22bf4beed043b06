"""What a page does with sets and files a command does: the same files on disk, the same bytes downloaded."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st

from e2lm_core.base.settings import Settings
from e2lm_core.commands import export
from e2lm_core.commands import main as main_commands
from e2lm_core.export import patch
from e2lm_core.sets import collection
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.formats import writing
from e2lm_core.ui.base import markdown
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, write
from tests.support import studios
from tests.support.visits import OWN, Visit

Call = Callable[..., str]
FILES = {"csv": "text/csv", "jsonl": "application/jsonl", "xlsx": "application/xlsx", "gift": "text/plain"}
FILES |= {"aiken": "text/plain", "qti": "application/zip"}
ENDS = {"gift": "gift.txt", "aiken": "aiken.txt", "qti": "zip"}


@pytest.fixture
def elsewhere(tmp_path: Path, ladder: Path) -> Settings:
    """A second home, over the same sets and models, that commands alone use."""
    chosen = studios.settings(tmp_path / "second", ladder)
    studios.write_example(chosen)
    return chosen


@pytest.fixture
def call(
    elsewhere: Settings, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Call:
    """Run a command in the second home."""

    def run(*arguments: str) -> str:
        with monkeypatch.context() as there:
            for name, value in studios.environment(elsewhere).items():
                there.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main_commands.main(arguments)
        out, err = capsysbinary.readouterr()
        assert not end.value.code, err
        return out.decode("utf-8", "replace")

    return run


def both(visit: Visit, elsewhere: Settings, name: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    return studios.tree(visit.studio.settings.sets / name), studios.tree(elsewhere.sets / name)


def others(visit: Visit, kind: str) -> bytes:
    """Questions that the set has not, as a file of that kind: its own, asked otherwise."""
    task = collection.open_set(visit.studio.settings, "little")
    asked = [
        q.model_copy(update={"id": f"n{k}", "question": f"And {q.question}"})
        for k, q in enumerate(task.questions)
    ]
    return writing.write_questions(asked, kind)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_questions(
    visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path, kind: str
) -> None:
    """Author's Import, Add, and `question add --file`."""
    data, name = others(visit, kind), f"more.{ENDS.get(kind, kind)}"
    (tmp_path / name).write_bytes(data)
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN).open("write")
    visit.at.segmented_control(key="author_view").set_value("Import").run()
    visit.at.file_uploader(key="import_file").set_value([(name, data, FILES[kind])]).run()
    visit.click("Add 6 questions")
    call("sets", "copy", "little", OWN)
    call("question", "add", OWN, "--file", str(tmp_path / name))
    page, command = both(visit, elsewhere, OWN)
    assert page == command
    assert len(page["test.jsonl"].splitlines()) == 12


def test_a_bundle(visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path) -> None:
    """Author's *open a bundle*, and `import X.zip`."""
    call("export", "little", "--out", str(tmp_path / "b.zip"))
    data = (tmp_path / "b.zip").read_bytes()
    visit.open("sets")
    visit.at.file_uploader(key="create_bundle").set_value([("b.zip", data, "application/zip")]).run()
    visit.at.text_input(key="import_name").set_value("opened").run()
    visit.click("Open the bundle")
    call("import", str(tmp_path / "b.zip"), "--name", "opened")
    page, command = both(visit, elsewhere, "opened")
    assert page == command
    call("import", str(tmp_path / "b.zip"), "--name", "opened", "--into", str(tmp_path / "into"))
    assert studios.tree(tmp_path / "into" / "opened") == page


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What every download of the page holds, by its button."""
    found: dict[str, bytes] = {}

    def download(label: str, data: object, *_: object, **__: object) -> bool:
        made = data() if callable(data) else data
        found[re.sub(r"\\([^\w\s])", r"\1", label).replace(markdown.JOINER, "")] = (
            made.encode() if isinstance(made, str) else bytes(made)
        )  # type: ignore[arg-type]
        return False

    monkeypatch.setattr(st, "download_button", download)
    return found


@pytest.mark.parametrize("metric", patch.METRICS)
def test_the_bundle_and_the_submission(
    visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path, given: dict[str, bytes], metric: str
) -> None:
    """Share's downloads, and `export` with and without `--as patch`: byte for byte."""
    task = studios.task(count=100, name=OWN)
    for settings in (visit.studio.settings, elsewhere):
        collection.import_set(settings, task)
    visit.choose(OWN).open("share")
    assert "Download submission.zip" not in given
    visit.at.segmented_control(key="export_profile").set_value("competition").run()
    visit.at.segmented_control(key="patch_metric").set_value(metric).run()
    call("export", OWN, "--out", str(tmp_path / "bundle"))
    call("export", OWN, "--as", "patch", "--metric", metric, "--out", str(tmp_path / "patch"))
    assert (tmp_path / "bundle").read_bytes() == given[f"Download {OWN}.zip"]
    assert (tmp_path / "patch").read_bytes() == given["Download submission.zip"]
    call("export", OWN, "--as", "upstream", "--profile", "competition", "--out", str(tmp_path / "upstream"))
    assert (tmp_path / "upstream").read_bytes() == given["Download for a pull request"]


def test_a_task_of_somebody_else_s(visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path) -> None:
    """A zip of a task folder through the page, and `import` of the folder, of its YAML, with and without --into."""
    folder = write(tmp_path / "guest", "guest.yaml", ARC, test=ARC_ROWS, train=ARC_ROWS[3:])
    data = bundle.zip_files({f"guest/{name}": content for name, content in studios.tree(folder).items()})
    visit.open("sets")
    visit.at.file_uploader(key="create_bundle").set_value([("guest.zip", data, "application/zip")]).run()
    visit.at.text_input(key="import_name").set_value("opened").run()
    visit.click("Open the bundle")
    for source in (folder, folder / "guest.yaml"):
        call("import", str(source), "--name", "opened")
        page, command = both(visit, elsewhere, "opened")
        assert page == command
        call("sets", "delete", "opened", "--yes")
    call("import", str(folder), "--name", "opened", "--into", str(tmp_path / "into"))
    assert studios.tree(tmp_path / "into" / "opened") == page


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ARC-Easy with a few rows of ours, in the cache where the user's own lm-eval has downloaded it; and no network."""
    builder = pytest.importorskip("datasets.packaged_modules.json.json").Json
    splits = {"train": ARC_ROWS[3:], "validation": ARC_ROWS[:3], "test": ARC_ROWS}
    rows = write(tmp_path / "rows", "arc.yaml", ARC, **splits)
    files = {split: str(rows / f"{split}.jsonl") for split in splits}
    version = "0" * 40
    made = builder(
        cache_dir=str(tmp_path / "made"),
        dataset_name="ai2_arc",
        config_name="ARC-Easy",
        hash=version,
        data_files=files,
    )
    made.download_and_prepare()
    place = tmp_path / "huggingface" / "datasets" / "allenai___ai2_arc" / "ARC-Easy" / "0.0.0"
    place.mkdir(parents=True)
    Path(made.cache_dir).rename(place / version)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("E2LM_WITH_LM_EVAL", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("downloaded")  # before the app starts, which reads the environment
def test_a_task_that_lm_eval_builds(visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path) -> None:
    """The page's *Build it with lm-eval*, and `import NAME --with-lm-eval`, with and without --into."""
    visit.open("sets")
    visit.at.text_input(key="create_task").set_value("arc_easy").run()
    visit.at.text_input(key="import_name").set_value("built").run()
    visit.click("Build it with lm-eval")
    call("import", "arc_easy", "--with-lm-eval", "--name", "built")
    page, command = both(visit, elsewhere, "built")
    assert page == command
    assert len(page["test.jsonl"].splitlines()) == len(ARC_ROWS)
    assert b"built_by: lm_eval" in page["built.yaml"]
    call("import", "arc_easy", "--with-lm-eval", "--name", "built", "--into", str(tmp_path / "into"))
    assert studios.tree(tmp_path / "into" / "built") == page


@pytest.mark.parametrize("mapped", [False, True])
def test_a_table_becomes_a_set(
    visit: Visit, elsewhere: Settings, call: Call, tmp_path: Path, mapped: bool
) -> None:
    """The page's Import into a new set, and `import X.csv`, with the columns as guessed and as said."""
    column = "Says" if mapped else "question"
    lines = [f"{column},choice_1,choice_2,answer", "Which is a metal?,iron,wood,1", "Which burns?,tin,wood,2"]
    data = "\n".join(lines).encode()
    (tmp_path / "quiz.csv").write_bytes(data)
    visit.open("sets")
    visit.at.text_input(key="import_name").set_value("quiz").run()
    visit.click("Paste rows instead")
    visit.choose("quiz").open("write")
    visit.at.segmented_control(key="author_view").set_value("Import").run()
    visit.at.file_uploader(key="import_file").set_value([("quiz.csv", data, "text/csv")]).run()
    if mapped:
        next(box for box in visit.at.selectbox if box.label == column).set_value("question").run()
    visit.click("Add 2 questions")
    options = ("--map", f"question={column}") if mapped else ()
    call("import", str(tmp_path / "quiz.csv"), *options)
    page, command = both(visit, elsewhere, "quiz")
    assert page == command
    call("import", str(tmp_path / "quiz.csv"), *options, "--name", "quiz", "--into", str(tmp_path / "into"))
    assert studios.tree(tmp_path / "into" / "quiz") == page


def test_every_download(visit: Visit, call: Call, tmp_path: Path, given: dict[str, bytes]) -> None:
    """Author's downloads, and `export --as`: byte for byte."""
    collection.copy_set(visit.studio.settings, "little", OWN)
    visit.choose(OWN).open("write")
    labels = {
        "csv": "CSV",
        "jsonl": "JSONL",
        "xlsx": "XLSX",
        "gift": "GIFT",
        "aiken": "Aiken",
        "qti": "QTI 2.2",
    }
    assert {"bundle", "patch", "upstream", *labels} == set(export.KINDS)
    for kind in labels:
        visit.at.selectbox(key="set_format").set_value(kind).run()
    call("sets", "copy", "little", OWN)
    for kind, label in labels.items():
        call("export", OWN, "--as", kind, "--out", str(tmp_path / kind))
        assert content((tmp_path / kind).read_bytes()) == content(given[f"Download {label}"]), kind


def content(data: bytes) -> object:
    """A file's bytes; of an archive its members', for a workbook's own date is the moment of writing."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def test_what_is_said_of_a_check_is_what_the_page_lists(visit: Visit, call: Call) -> None:
    """`check` and Export's findings are one function's."""
    visit.choose("little").open("share")
    found = json.loads(call("check", "little", "--json"))
    for finding in [*found["errors"], *found["warnings"]]:
        assert finding["sentence"].split(":")[0] in visit.said
