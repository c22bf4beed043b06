"""What `scripts.same_answers` sets aside and where it finds two answers different, on answers made by hand."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from scripts import same_answers, same_bytes, same_commands

OLD = {"CHECKOUT": "/old", "HOME": "/a"}
NEW = {"CHECKOUT": "/new", "HOME": "/b"}


def printed(document: object) -> bytes:
    return json.dumps(document).encode() + b"\n"


def different(command: str, old: object, new: object) -> str | None:
    return same_bytes.difference(command, printed(old), printed(new), (OLD, NEW))


def test_the_first_difference_is_named_by_its_path() -> None:
    old = {"curves": {"small-arch1": {"acc": [0.25, 0.5]}}, "sq": 1.0}
    new = {"curves": {"small-arch1": {"acc": [0.25, 0.51]}}, "sq": 2.0}
    assert different("score", old, new) == '$.curves["small-arch1"].acc[1]: 0.5 → 0.51'
    assert different("score", old, old) is None


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "$, its keys"),
        ({"a": 1}, {"a": 1, "b": 2}, '$, its keys: [] → ["b"]'),
        ({"a": [1, 2]}, {"a": [1]}, "$.a, its length: 2 → 1"),
        ({"a": 1}, {"a": 1.0}, "$.a: 1 → 1.0"),
        ({"a": 0.0}, {"a": -0.0}, "$.a: 0.0 → -0.0"),
        ({"a": None}, {"a": {}}, "$.a: null → {}"),
    ],
)
def test_order_length_and_how_a_number_is_written_count(old, new, where) -> None:
    assert (different("score", old, new) or "").startswith(where)


def test_times_are_set_aside_in_the_named_fields_alone() -> None:
    assert different("evaluate", {"seconds": 1.5}, {"seconds": 2.5}) is None
    assert different("score", {"seconds": 1.5}, {"seconds": 2.5}) == "$.seconds: 1.5 → 2.5"
    inner = [{"sq": {"seconds": 1.5}}, {"sq": {"seconds": 2.5}}]
    assert different("evaluate", *inner) == "$.sq.seconds: 1.5 → 2.5"


def test_a_time_that_is_missing_is_a_difference() -> None:
    assert different("evaluate", {"seconds": 1.5}, {"seconds": None}) == '$.seconds: "(time)" → null'
    assert different("evaluate", {"seconds": 1.5}, {}) == '$, its keys: ["seconds"] → []'


def test_of_a_path_only_its_folder_is_set_aside() -> None:
    def listed(path: str) -> object:
        return {"tasks": [{"name": "own", "path": path}]}

    assert different("tasks", listed("/old/tasks/own"), listed("/new/tasks/own")) is None
    found = different("tasks", listed("/old/tasks/own"), listed("/b/sets/own"))
    assert found == '$.tasks[0].path: "CHECKOUT/tasks/own" → "HOME/sets/own"'


def test_json_in_another_manner_is_a_difference() -> None:
    found = same_bytes.difference("score", b'{"a": 1}\n', b'{"a":1}\n', (OLD, NEW))
    assert found is not None
    assert found.startswith("line 1, column 6")


def test_a_report_differs_in_its_date_and_versions_alone() -> None:
    def page(day: str, version: str, sq: str) -> bytes:
        heading = f"<p>Report of the E2LM Task Studio {version} · {day}</p>\n"
        inside = f'{{"provenance": {{"date": "{day}T10:00:00+00:00", "studio": "{version}", "python": "3"}}}}'
        return f"{heading}<dd>{sq}</dd>\n{inside}".encode()

    first = page("2026-01-02", "0.1.0", "0.9")
    assert same_bytes.difference("report", first, page("2026-02-03", "0.2.0", "0.9"), (OLD, NEW)) is None
    found = same_bytes.difference("report", first, page("2026-02-03", "0.2.0", "0.8"), (OLD, NEW))
    assert found == 'line 2, column 7: "9</dd>\\n" → "8</dd>\\n"'


def test_a_zip_is_compared_by_its_bytes() -> None:
    assert (
        same_bytes.difference("export", b"PK\xff\x00", b"PK\xff\x01\x02", (OLD, NEW)) == "byte 3: of 4 → of 5"
    )


def test_every_command_has_a_folder_of_its_own_and_an_order() -> None:
    wanted = same_commands.asked(("one", "two"))
    assert len({one.folder for one in wanted}) == len(wanted)
    lines = [" ".join(one.arguments) for one in wanted]
    assert lines.index("evaluate two --questions --json") < lines.index("compare one two --json")
    assert not [line for line in lines if "{set}" in line or "{first}" in line]
    for refused in ("ranks two --at 7", "plan two --width -1", "choose two --rule colour > 1"):
        assert lines.index("evaluate two --json") < lines.index(refused)
    assert {a.command for a in same_bytes.ASIDE} <= {one.arguments[0] for one in wanted}


def test_a_failure_is_never_the_same_and_a_refusal_is_its_sentence(tmp_path) -> None:
    failed, refused = same_commands.Asked("tasks"), same_commands.Asked("tasks --colour")
    places = tmp_path / "old", tmp_path / "new"
    for place in places:
        for one, name in ((failed, "failure"), (refused, "refusal")):
            (place / one.folder).mkdir(parents=True)
            (place / one.folder / name).write_text("exit 2\nIt cannot be.\n")
        (place / "places.json").write_text("{}")
    assert same_answers.verdict(failed, *places) == "old failed: It cannot be."
    assert same_answers.verdict(refused, *places) == same_answers.REFUSAL
    (places[1] / refused.folder / "refusal").write_text("exit 2\nIt may not be.\n")
    different = 'refusal: line 2, column 4: "cannot be.\\n" → "may not be.\\n"'
    assert same_answers.verdict(refused, *places) == different


def test_the_table_has_a_column_a_set() -> None:
    first, second = same_commands.Asked("score {set}", "one"), same_commands.Asked("score {set}", "two")
    shown = same_answers.table({first: "stdout: $.sq: 1 → 2", second: same_answers.ANSWER})
    assert [column.header for column in shown.columns] == ["command", "one", "two"]
    assert [list(column.cells) for column in shown.columns[1:]] == [["different"], ["same"]]


def zipped(readme: str, date: tuple[int, ...] = (1980, 1, 1, 0, 0, 0), more: bytes = b"\x00\xff") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("set/README.md", date), readme)  # type: ignore[arg-type]
        archive.writestr(zipfile.ZipInfo("set/data", date), more)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_a_bundle_is_compared_member_by_member() -> None:
    old = zipped("Held out (`tests/test_one.py` checks it).")
    assert (
        same_bytes.difference("export", old, zipped("Held out (`tests/a/test_b.py` checks it)."), ({}, {}))
        is None
    )
    assert same_bytes.difference("export", old, zipped("Held out."), ({}, {})) == (
        'set/README.md, line 1, column 9: " (`(path)` checks it)." → "."'
    )
    dated = zipped("Held out (`tests/test_one.py` checks it).", (1981, 1, 1, 0, 0, 0))
    assert "a member" in (same_bytes.difference("export", old, dated, ({}, {})) or "")
    other = zipped("Held out (`tests/test_one.py` checks it).", more=b"\x01\xff")
    assert "set/data, line 1" in (same_bytes.difference("export", old, other, ({}, {})) or "")
