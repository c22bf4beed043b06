"""A pull request's layout: the folder as the bundle has it, a row of the harness's table, a list to tick off."""

from __future__ import annotations

import io
import zipfile

from e2lm_core.base.records import Finding
from e2lm_core.base.settings import Limits
from e2lm_core.export import upstream
from e2lm_core.sets.folder.files import task_files
from tests.support import studios


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_folder_is_the_bundles_and_the_row_one_of_the_table() -> None:
    question = studios.question(1, subject="heat | light", license="CC0", source="own")
    task = studios.task().model_copy(update={"questions": (question,)})
    found = members(upstream.pull_request(task, Limits()))
    written = {f"lm_eval/tasks/little/{name}": data for name, data in task_files(task, Limits()).items()}
    readme = "lm_eval/tasks/little/README.md"
    folder = {name: data for name, data in found.items() if name.startswith("lm_eval/")}
    assert folder | {readme: written[readme]} == written
    assert folder[readme].startswith(written[readme])
    assert found["README-row.md"].decode() == (
        "| [little](little/README.md) | 1 multiple-choice question on heat \\| light. | English |\n"
    )
    assert set(found) - set(written) == {"README-row.md", "PULL_REQUEST.md"}
    assert upstream.pull_request(task, Limits()) == upstream.pull_request(task, Limits())


def test_texts_of_others_are_no_markdown_and_no_language_is_guessed() -> None:
    question = studios.question(1, subject="a*b" + "x" * 200, license="[CC](x)")
    task = studios.task().model_copy(update={"questions": (question,)})
    doubt = Finding(severity="warning", code="not_english", sentence="Question 1 may `not` be in English.")
    found = members(upstream.pull_request(task, Limits(), [doubt]))
    row, request = found["README-row.md"].decode(), found["PULL_REQUEST.md"].decode()
    assert row.endswith(". | … |\n")
    assert len(row) < 140
    for text in (
        r"a\*bxxx",
        r"(\[CC\]\(x\))",
        "its row, with the languages of the questions",
        r"may \`not\` be",
    ):
        assert text in request
    stated = task.config.model_copy(update={"metadata": {"language": "French"}})
    task = task.model_copy(update={"config": stated})
    assert (
        members(upstream.pull_request(task, Limits(), [doubt]))["README-row.md"]
        .decode()
        .endswith("| French |\n")
    )


def test_what_is_to_be_ticked_off_names_what_is_lacking_and_what_the_checks_say() -> None:
    warning = Finding(
        severity="warning", code="length", sentence="Question 3: its right choice is the longest."
    )
    said = members(upstream.pull_request(studios.task(dev=3), Limits(), [warning]))[
        "PULL_REQUEST.md"
    ].decode()
    assert "- [ ] the licence lets them be passed on (none is given yet)" in said
    assert said.count("- [ ]") == 7
    assert said.endswith("- Question 3: its right choice is the longest.\n")


HEADINGS = ("Paper", "Citation", "Groups, Tags, and Tasks", "Checklist")


def test_the_readme_has_the_headings_of_the_harnesss_template_once() -> None:
    own = "# little\n\n## citation\n\nMe, 2026.\n"
    for task in (studios.task(), studios.task().model_copy(update={"readme": own})):
        readme = members(upstream.pull_request(task, Limits()))["lm_eval/tasks/little/README.md"].decode()
        lines = [line.lstrip("# ").lower() for line in readme.split("\n") if line.startswith("#")]
        assert [lines.count(heading.lower()) for heading in HEADINGS] == [1, 1, 1, 1]
    assert "Me, 2026." in readme
    assert "None yet" not in readme


def test_a_set_of_another_language_says_so() -> None:
    config = studios.task().config.model_copy(update={"metadata": {"language": "Polski"}})
    found = members(upstream.pull_request(studios.task().model_copy(update={"config": config}), Limits()))
    assert found["README-row.md"].decode().endswith(" | Polski |\n")
