"""Nobody gets at what is another's: every service, command and page is tried with another person's ids, none left out.

The lists are made from the code: a new function that takes settings or a studio and a name or a number is tried as it
is, and fails here unless it refuses, or stands below with the reason why it has nothing of another's to refuse.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2lm_core.assist.client import Server
from e2lm_core.assist.requests import request_of
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub.rolling import RollingRun
from e2lm_core.commands import main as main_commands
from e2lm_core.deploy.dataset import publishing
from e2lm_core.imported import saved_imports
from e2lm_core.imported.records import Imported
from e2lm_core.imported.shelf import added, library
from e2lm_core.people import accounts, visitors
from e2lm_core.runs import start
from e2lm_core.runs.fleets import Fleet
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.conflicts import EditConflict
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.variants import Variant
from e2lm_core.ui import session
from e2lm_core.ui.base import urls
from e2lm_core.ui.requests import sign_in
from tests.conftest import ROOT
from tests.house import documented
from tests.support import studios
from tests.support.visits import app_in

ISSUER = "https://id.example"
SECRET = "What is the secret that nobody but Ada knows?"
HERS = "what Ada has typed and not saved"
ROOMS = ("sets", "assist", "runs", "imported", "checkpoints", "relevance", "export", "deploy", "people")

# With the reason why there is nothing of another's in them.
HARMLESS = {
    "sets.authoring.preview_import": "reads what is uploaded with it",
    "sets.collection.create_set": "makes a set of one's own",
    "sets.collection.free_name": "gives a name for a set of one's own",
    "sets.collection.import_set": "keeps a set of one's own",
    "sets.folder.source.read_questions": "reads what is given with it",
    "sets.folder.source.read_source": "reads a file that is named; test_source tries one in another's workspace",
    "sets.folder.source.write_into": "writes a set that whoever calls has in hand",
    "sets.collection.find_renamed": "of one's own sets",
    "runs.state.plan_for": "names a public family of models",
    **dict.fromkeys(("runs.starter.starter_checkpoints", "runs.starter.plan_starter"), "names public models"),
    "runs.starter.add_starter": "the catalogue is everybody's; visitors may not, which test_starter tries",
    "runs.starter.save_starter": "a group of one's own workspace",
    "runs.state.schedules_for": "names a public family of models",
    "runs.state.measured_costs": "the machine's own pace",
    "relevance.judge.missing_texts": "questions that whoever calls has in hand; the name is a model's",
    "relevance.judge.assess": "questions that whoever calls has in hand; the name is a model's",
    "relevance.judge.embed": "texts that whoever calls has in hand; the name is a model's",
    "relevance.judge.judge_relevance": "questions that whoever calls has in hand; the name is a model's",
    "imported.saved_imports.save_import": "keeps results of one's own",
    "checkpoints.hub.added_models.list_remote": "asks the hub what is there",
    "checkpoints.hub.added_models.add_checkpoints": "the catalogue is everybody's; visitors may not, which test_added tries",
    "checkpoints.packaged.smollm2.unpack_model": "everybody's; visitors may not, which test_smollm2 tries",
    "checkpoints.hub.dataset_file.download_dataset_file": "of a public data set; visitors may not, which test_dataset_file tries",
    "imported.shelf.added.add_from_hub": "a table of a public data set onto one's own shelf",
    "checkpoints.hub.cache.install_snapshot": "a step of a download",
    "checkpoints.hub.download.refuse_pickles": "asks the hub of checkpoints that are in the catalogue",
    "runs.store.shipped_defaults.default_checkpoints": "the machine's checkpoints, whatever the name",
    "runs.fleets.default_fleet": "the machine's checkpoints, whatever the name",
    "runs.fleets.open_fleet": "the machine's checkpoints, by names",
    "runs.fleets.rename_fleet": "renames a group of one's own workspace",
    "runs.state.planned_fleet": "a public family, or a fleet of one's own",
    "checkpoints.hub.cache.lock_file": "a file that is there to be locked",
    "checkpoints.hub.client.may_use_token": "of a repository",
    "checkpoints.hub.client.token_for": "of a repository",
    "checkpoints.hub.client.is_token_withheld": "of a repository",
    "people.quotas.check_quota": "of whoever asks",
    "people.quotas.quota_limit": "of whoever asks",
    "people.quotas.record_use": "of whoever asks",
    "people.quotas.charge": "of whoever asks",
    "people.sharing.redeem_link": "whoever has a link's key may: test_access tries one that there is not",
    "people.sharing.remove_shares": "ends what whoever asks has shared",
    "people.sharing.rename_shares": "renames what whoever asks has shared",
}
# These work on a set that whoever calls has in hand already: it was opened by a service that is tried above.
GIVEN = {
    "runs.shards.files.shard_lines",
    *("runs.messages.rolling.estimate_rolling", "runs.messages.rolling.rolling_status"),
    *("runs.evaluate.evaluate", "runs.results.load_measurements", "runs.results.refresh"),
    *(
        "runs.state.coverage",
        "runs.state.estimate",
        "runs.state.open_run_state",
        "runs.state.state_by_coverage",
    ),
    *(f"runs.store.control_results.{name}" for name in ("load_control", "load_edit_controls", "load_judged")),
    "runs.store.control_results.was_control_run",
    *(
        "runs.state.seconds_per_question",
        "runs.state.measured_pace",
        "runs.queue.permissions.resolve_run_set",
    ),
    *(
        "runs.queue.permissions.may_cancel",
        "export.provenance.build_provenance",
        "export.provenance.reproduction_commands",
        "export.report.build_report",
    ),
    *(
        "export.card.sections.build_sections",
        "export.verify.compare_runs",
        "runs.store.shipped_defaults.shows_shipped_results",
    ),
    *(
        "export.submission.check_findings",
        "export.submission.build_bundle",
        "export.prompt_lengths.measure_prompt_lengths",
    ),
    "export.results.outgoing.collect_results",
    "export.verify.verify_bundle",  # of a bundle that whoever calls has in hand
    "export.background_verify.start_verification",
    *("runs.trials.choices.plan_choice_trial", "runs.trials.trial.run_trial_job"),
    *("runs.trials.orders.plan_order_trial", "runs.trials.forms.plan_form_trial"),
    "runs.evaluate.evaluate_prompts",
}
# What they keep and find is one's own, whatever it is of: these may go through, and touch or give nothing of another's.
OWN = (
    "sets.editing.drafts.",
    "sets.editing.presence.change_stamp",
    "sets.editing.save_edits.save_question",
    "sets.editing.save_edits.keep_conflicts",
    "sets.editing.ignored_problems.",
    "assist.consent.",
)
# What services stand on, and what the sign-in alone calls: who somebody is, and whose a name is.
BENEATH = (
    "people.accounts.",
    "people.access.",
    "people.visitors.",
    "people.ownership_transfer.",
    "sets.history.",
)
# No page calls these, and no command by somebody's ids.
MACHINE = (
    "runs.worker.",
    "runs.queue.rolling_cleanup.",
    "checkpoints.hub.rolling_leases.",
    "deploy.home.backup.lock_set",
    "deploy.home.auto_backup.",
    "deploy.home.disk_check.",
    "deploy.home.mounts.",
)


class There(NamedTuple):
    """Ada's set, run, results and model, as Bob and she see the studio."""

    studio: Studio
    ada: Studio
    bob: Studio
    run: int


def _there(folder: Path, ladder: Path | None = None) -> There:
    opened = studios.studio(folder, ladder=ladder)
    # Nothing listens there: whoever asked a language model would be told so, and not that a set is not theirs.
    helped = {"auth": "oidc", "assist_url": "http://127.0.0.1:9/v1", "assist_model": "m"}
    studio = replace(opened, settings=opened.settings.model_copy(update=helped))

    def asked(name: str) -> Studio:
        person = accounts.sign_in(studio.settings, ISSUER, name, name, username=name)
        return replace(studio, settings=studio.settings.for_person(person.id, paths=False))

    ada, bob = asked("ada"), asked("bob")
    collection.create_set(
        ada.settings, "secret", [Question(id="q1", question=SECRET, choices=("a", "b"), answer=0)]
    )
    authoring.update_questions(ada.settings, "secret", {"q1": {"note": "hers"}})
    collection.create_set(ada.settings, "gone")
    collection.delete_set(ada.settings, "gone")
    saved_imports.save_import(
        ada.settings, "her_results", Imported(curves=(), measured={}, problems=(SECRET,), files=())
    )
    table = folder / "hers.csv"
    table.write_text(f"model,step,benchmark,metric,value\nm,1,{SECRET},acc,0.5\n", encoding="utf-8")
    added.add_table(ada.settings, table, "her_results")
    typed = {"fields": {"note": HERS}, "seen": {"note": "hers"}}
    drafts.save_draft(
        ada.settings, drafts.Draft(task="secret", place="question/q1", form="1" * 32, at=time.time(), **typed)
    )
    run = start.submit_run(ada, collection.open_set(ada.settings, "secret"), studio.catalogue.checkpoints[:1])
    model = {"name": "hers", "family": "any"}
    entry = {
        "name": "step1",
        "revision": "0" * 40,
        "subfolder": None,
        "step": 1,
        "tokens_seen": None,
        "early": None,
    }
    families = {
        "version": 1,
        "added": [{"model": model, "repo": "o/hers", "checkpoints": [entry], "by": "ada"}],
    }
    (studio.settings.home / "families.json").write_text(json.dumps(families))
    return There(studio, ada, bob, run)


@pytest.fixture(scope="module")
def there(tmp_path_factory) -> There:
    return _there(tmp_path_factory.mktemp("there"))


def _hers(there: There) -> Any:
    """All that is Ada's, byte for byte, and what lies in the home for all."""
    with accounts.accounts_database(there.studio.settings).reading() as connection:
        rows = [
            connection.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall()
            for t in ("jobs", "grants", "quotas")
        ]
        people = connection.execute("SELECT id, administrator FROM people ORDER BY 1").fetchall()
    locks = there.ada.settings.workspace / "locks"
    files = {k: v for k, v in studios.tree(there.ada.settings.workspace).items() if not (locks / k).exists()}
    return files, rows, people, (there.studio.settings.home / "families.json").read_text()


# --- services -----------------------------------------------------------------------------------------------


def _services() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of the services that takes settings or a studio, and a text or a number with them."""
    for room in ROOMS:
        package = importlib.import_module(f"e2lm_core.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, function in vars(importlib.import_module(module.name)).items():
                if (
                    name.startswith("_")
                    or not inspect.isfunction(function)
                    or function.__module__ != module.name
                ):
                    continue
                kinds = [str(p.annotation) for p in inspect.signature(function).parameters.values()]
                if {"Settings", "Studio"} & set(kinds) and any(_names_something(kind) for kind in kinds):
                    yield f"{module.name.removeprefix('e2lm_core.')}.{name}", function


def _names_something(kind: str) -> bool:
    return bool(re.search(r"\b(str|int|Path|TaskSet|Job|Draft)\b", kind))


SERVICES = dict(_services())


def _tried(name: str) -> bool:
    return name not in {*HARMLESS, *GIVEN} and not name.startswith((*BENEATH, *MACHINE, *OWN))


def _values(there: There, room: str) -> Iterator[dict[str, Any]]:
    """What stands for another's thing, by the parameters' names: as an address, and as a path where a page asks."""
    folder = there.ada.settings.sets / "secret"
    for address in ("ada/secret", str(folder), "../ada/sets/secret", str(folder / "test.jsonl")):
        yield {
            "name": "her_results" if room == "imported" else address,
            "source": address,
            "set_name": address,
            "address": address,
            "task_or_jsonl": address,
            "task": collection.open_set(there.ada.settings, "secret").model_copy(update={"owner": "ada"}),
            "job_id": there.run,
            "job": there.studio.jobs.get(there.run),
            "model": "hers",
            "person": "ada",
            "who": "bob",
            "key": "sets",
            "limit": 10**6,
            "changes": {"q1": {"note": "his"}},
            "base": {"q1": {"note": "hers"}},
            "seen": {"q1": {"note": "hers"}},
            "ids": ["q1"],
            "labels": ["his"],
            "values": {"key": "wrong"},
            "judge": "his",
            "by": "model",
            "data": b"id,judge,what,value\nq1,his,key,wrong\n",
            "filename": "his.csv",
            "trial": ["his"],
            "models": ["his"],
            "identity": "q1",
            "number": 0,
            "rules": 1,
            "first": 0,
            "new_name": "his",
            "title": "his",
            "place": 1,
            "new": "his",
            "questions": (),
            "variant": Variant(label="his"),
            "variants": [Variant(label="his")],
            "question": Question(id="q1", question=SECRET, choices=("a", "b"), answer=0),
            "checkpoints": there.studio.catalogue.checkpoints[:1],
            "path": there.studio.settings.home / "x.tar.gz",
            "text": "his",
            "side": "mine",
            "keep": "mine",
            "fields": {"question": "his?", "choices": ["a", "b"], "answer": 0},
            "fleet": Fleet(checkpoints=("ladder-small-arch1/iter_0000100",)),
            "names": ("ladder-small-arch1/iter_0000100",),
            "num_fewshot": None,
            "progress": (),
            "started_at": 0.0,
            "form": "0" * 32,
            "digest": "0" * 32,
            "digests": ("0" * 32,),
            "question_ids": ["q1"],
            "target_set": address,
            "repo": "bob/his",
            "publish_plan": publishing.PublishPlan(
                repo="bob/his", url="", creates=True, revision=None, changes=(), uploads=("README.md",)
            ),
            "files": {"README.md": b"his"},
            "subject": "his",
            "replacement": "his",
            "change": lambda questions: questions[:0],
            "action": "his",
            "kind": "paraphrases",
            "server": Server(url="http://127.0.0.1:9/v1", model="m"),
            "request": request_of("passage", passage="his"),
            "clashes": [
                EditConflict(question="q1", field="note", seen="hers", theirs="hers", mine="his"),
            ],
            "draft": drafts.Draft(
                task=address, place="question/q1", form="0" * 32, at=1.0, fields={"note": "his"}
            ),
        }


def _call(function: Callable[..., Any], there: There, values: dict[str, Any]) -> Any:
    given: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        kind = str(parameter.annotation)
        if kind in ("Settings", "Studio"):
            given[parameter.name] = there.bob if kind == "Studio" else there.bob.settings
        elif parameter.kind is parameter.VAR_KEYWORD:
            given["description"] = "his"
        elif parameter.name == "conflict":
            given["conflict"] = values["clashes"][0]
        elif parameter.name == "task" and kind == "str":
            given["task"] = values["address"]
        elif parameter.name == "place" and kind == "str":
            given["place"] = "question/q1"
        elif parameter.name in values and (parameter.default is parameter.empty or parameter.name == "place"):
            given[parameter.name] = values[parameter.name]
        else:
            assert parameter.default is not parameter.empty, (
                f"say what {parameter.name} stands for in `_values`"
            )
    result = function(**given)
    if hasattr(result, "__enter__"):
        with result:
            pass
    return result


@pytest.mark.parametrize("name", sorted(name for name in SERVICES if _tried(name)))
def test_a_service_refuses_what_is_anothers_with_a_sentence(name, there):
    before = _hers(there)
    for values in _values(there, name.partition(".")[0]):
        with pytest.raises(StudioError) as refused:
            _call(SERVICES[name], there, values)
        said = studios.sentence(refused)
        assert SECRET not in said
        assert len(said) <= 400
    assert _hers(there) == before


@pytest.mark.parametrize("name", sorted(name for name in SERVICES if name.startswith(OWN)))
def test_what_is_kept_for_oneself_touches_and_gives_nothing_of_anothers(name, there):
    before = _hers(there)
    for values in _values(there, "sets"):
        with contextlib.suppress(StudioError):
            given = repr(_call(SERVICES[name], there, values))
            assert HERS not in given
            assert SECRET not in given
    assert _hers(there) == before


def test_what_is_harmless_is_still_there_and_nothing_else_is_left_out():
    assert set(HARMLESS) <= set(SERVICES), f"gone: {sorted(set(HARMLESS) - set(SERVICES))}"
    assert set(GIVEN) <= set(SERVICES), f"gone: {sorted(set(GIVEN) - set(SERVICES))}"


def test_nobody_pins_or_evicts_what_another_added_and_visitors_fetch_nothing(there):
    hers = open_catalogue(there.ada.settings).checkpoints_of("hers")
    before = _hers(there)
    for refused in (
        lambda: hub.pin(there.bob.settings, hers),
        lambda: hub.pin(there.bob.settings, hers, pinned=False),
        lambda: hub.evict_checkpoints(there.bob.settings, hers),
    ):
        with pytest.raises(StudioError, match="was added by another"):
            refused()
    visitor = there.studio.settings.for_person(
        visitors.open_visitor_workspace(there.studio.settings, "0123456789ab").id
    )
    task = collection.open_set(visitor, "little")
    with pytest.raises(StudioError, match="Guests do not fetch checkpoints"):
        start.submit_run(replace(there.studio, settings=visitor), task, hers, rolling=True)
    with pytest.raises(StudioError, match="Guests do not fetch checkpoints"):
        RollingRun(visitor, "run-1", lambda checkpoint: None).roll(hers)
    assert _hers(there)[1][0] == before[1][0]
    assert _hers(there)[3] == before[3]


def test_lists_hold_nothing_of_anothers(there):
    from e2lm_core.runs.queue import permissions

    settings = there.bob.settings
    assert [info.address for info in collection.list_sets(settings)] == ["little"]
    assert collection.deleted_sets(settings) == []
    assert (
        saved_imports.list_saved(settings)
        == saved_imports.saved_names(settings)
        == saved_imports.removed_imports(settings)
        == []
    )
    assert added.added_files(settings) == ((), ())
    assert [one.key for one in library.sources(settings)] == ["e2lm", "pythia"]
    assert permissions.list_open_runs(there.bob) == []
    assert not permissions.may_cancel(settings, there.studio.jobs.get(there.run))


def test_pages_and_commands_ask_for_runs_through_the_service_that_looks_who_asks():
    faces = [*(ROOT / "pages").glob("*.py"), *(ROOT / "e2lm_core" / "ui").rglob("*.py")]
    faces += [
        *(ROOT / "e2lm_core" / "commands").rglob("*.py"),
        *(ROOT / "e2lm_core" / "export").rglob("*.py"),
    ]
    past = [
        f"{path}: {line}"
        for path in faces
        for line in path.read_text().splitlines()
        if re.search(r"\.jobs\.\w+\(", line)
    ]
    assert not past


# --- commands -----------------------------------------------------------------------------------------------

# With the reason why there is nothing of another's in them; those that list are looked at below.
PLAIN_COMMANDS = {
    "checkpoints": "everybody's",
    "hub families": "everybody's",
    "hub list": "everybody's",
    "hub add": "everybody's",
    "hub download": "everybody's",
    "hub verify": "everybody's",
    "folders list": "the machine's",
    "smollm2": "the machine's; who may delete it is tried in test_smollm2",
    **dict.fromkeys(("fleet list", "fleet make", "fleet show", "fleet remove"), "of one's own workspace"),
    "import": "a file of one's own; test_source tries one in another's workspace",
    "import-results": "a file of one's own",
    "results merge": "files of one's own; what they hold is found by a question's text alone",
    "verify": "a bundle of one's own",
    "sets create": "makes a set of one's own",
    "sq": "a file of one's own",
    "shelf show": "public figures of the package, and of one's own shelf",
    "shelf add": "a file of one's own; one in another's workspace is tried below",
    "shelf decisions": "public figures of the package",
    "facts": "public facts of the package",
    "worker": "the machine's",
    "app": "the machine's",
}
LISTS = ("tasks", "sets list", "results list", "shelf list")
_USUAL = {
    "--rule": "easiest-half",
    "--out": "x.zip",
    "NAME": "his",
    "ID": "q1",
    "GLOB": "hers/*",
    "MODEL": "hers",
    "PERSON": "bob",
    "FILE": "home.tar.gz",
    "OWNER/NAME": "owner/name",
    "KIND": "sets",
    "MOST": "9",
}
_WITH = {
    "question add": ["--question", "x", "--choice", "a", "--choice", "b", "--answer", "0"],
    "question edit": ["--set", "note=his"],
    "question move": ["--to", "1"],
    "question judge": ["--key", "wrong"],
    "people quota": ["sets", "9"],
    "plan": ["--width", "0.05"],
    "compare": ["little"],
    "sets unshare": ["ada"],
    "hub starter": ["ada/secret"],
}


def _words(name: str, command: Any) -> list[str]:
    words = name.split()
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        key = parameter.opts[0] if is_option else (parameter.metavar or "").strip("[]")
        value = _USUAL.get(key, "ada/secret")
        if name.startswith(("results ", "shelf ")) and key == "NAME":
            value = "her_results"
        if parameter.required and not (name == "sets unshare" and key == "PERSON"):
            words += [key, value] if is_option else [value]
    return words + _WITH.get(name, []) + (["--yes"] if any(p.name == "yes" for p in command.params) else [])


@pytest.fixture
def call(there, monkeypatch, capsys, tmp_path) -> Callable[..., tuple[int, str, str]]:
    for name, value in studios.environment(there.studio.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main_commands.main(["--as", "bob", *words])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.mark.parametrize("name", sorted(set(documented.commands()) - set(PLAIN_COMMANDS) - set(LISTS)))
def test_a_command_refuses_what_is_anothers_with_a_sentence(name, call, there, tmp_path):
    before = _hers(there)
    code, out, err = call(*_words(name, documented.commands()[name]))
    assert code == 2, out
    assert re.search(
        r"that you may open|not your set|Only an administrator|No (?:results|table) named|added by another",
        err,
    ), err
    assert SECRET not in out + err
    assert _hers(there) == before
    assert list(tmp_path.iterdir()) == []


def test_a_command_reads_no_file_of_anothers_set(call, there):
    code, out, err = call("relevance", str(there.ada.settings.sets / "secret" / "test.jsonl"))
    assert code == 2
    assert "that you may open" in err
    assert SECRET not in out + err
    code, out, err = call("shelf", "add", str(there.ada.settings.workspace / "shelf" / "her_results.columns"))
    assert code == 2
    assert "that you may open" in err


@pytest.mark.parametrize("name", LISTS)
def test_a_command_that_lists_lists_nothing_of_anothers(name, call):
    code, out, _ = call(*name.split(), "--json")
    assert code == 0
    assert "secret" not in out
    assert "her_results" not in out


def test_what_commands_are_plain_are_still_there():
    assert {*PLAIN_COMMANDS, *LISTS} <= set(documented.commands())


# --- pages --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visit_of_bob(tmp_path_factory):
    """The app as Bob sees it: what the provider says of him is put in, everything behind it is the studio's own."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("E2LM_AUTH", "oidc")
        there = _there(folder, studios.real_ladder(folder / "ladder"))
        patch.setattr(
            sign_in,
            "_claims",
            lambda: {"iss": ISSUER, "sub": "bob", "name": "bob", "preferred_username": "bob"},
        )
        for visit in app_in(folder, patch, there.studio.settings.ladder):
            assert session.studio().settings.person == "bob"
            yield there, visit


@pytest.mark.slow
@pytest.mark.parametrize("page", urls.VIEWS)
@pytest.mark.parametrize("by", ["link", "session"])
def test_a_page_shows_nothing_of_anothers(page, by, visit_of_bob):
    there, visit = visit_of_bob
    before = _hers(there)
    for address in ("ada/secret", str(there.ada.settings.sets / "secret")):
        visit.at.session_state["set"] = address if by == "session" else None
        visit.at.query_params.clear()
        if by == "link":
            visit.at.query_params["set"] = address
        said = visit.open(page).main
        drawn = visit.said + repr(said)
        assert SECRET not in drawn
        assert "hers" not in visit.said or page == "checkpoints"
        if address == "ada/secret":
            assert "that you may open" in visit.said
    assert _hers(there) == before
