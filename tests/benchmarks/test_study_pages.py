"""The pages of docs/studies: where each study's tables go, and that they are those which the studio reads."""

import json
import re

import pytest

from benchmarks import study_pages
from benchmarks.coverage import differences
from scripts import marked

TABLES = {
    "alternatives": ("proposals", "hamexam", "alarms", "random_keys", "formats", "places", "speed"),
    "coverage": ("means", "scores", "readings", "elsewhere", "neighbours"),
    "difference_coverage": ("differences", "elsewhere", "ways"),
    "choosing_coverage": ("coverage",),
    "forking": ("forking",),
    "kinds": ("kinds", "differing"),
    "power": ("power", "nothing", "surely"),
    "null_selection": ("noise", "ladder", "draws", "single"),
    "random_keys": ("keys", "twice", "trials", "fifth", "planted"),
    "relevance": ("heldout", "odd", "elsewhere", "sources", "mmlu"),
    "suspects": ("keys", "parts", "untaught", "control", "anew"),
    "tasks": ("tasks",),
    "architectures": ("sweep",),
    "meaningless": ("simulated", "exemplars"),
    "interop": ("census", "built", "round_trips", "many", "large", "prompts"),
}


@pytest.mark.parametrize(("study", "name"), [(s, n) for s, names in TABLES.items() for n in names])
def test_a_study_finds_its_tables_place(study, name):
    page = (study_pages.FOLDER / f"{study}.md").read_text(encoding="utf-8")
    assert marked.replaced(page, name, study_pages.table_of(study, name)) == page


def test_no_other_page_waits_for_a_table():
    marked = {
        page.stem: tuple(re.findall(r"<!-- (\w+) -->", page.read_text(encoding="utf-8")))
        for page in study_pages.FOLDER.glob("*.md")
        if page.stem != "decisions"  # tests/benchmarks/test_decisions.py has its tables
    }
    assert {study: names for study, names in marked.items() if names} == TABLES


def test_the_table_of_differences_is_that_of_the_file_that_the_studio_reads():
    document = json.loads(differences.OUT.read_text(encoding="utf-8"))
    assert study_pages.table_of("difference_coverage", "differences") == differences.markdown(document)
