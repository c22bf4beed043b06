"""Settings from the environment: what each variable does, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import (
    ROOT,
    VARIABLES,
    Limits,
    Settings,
    expand_home,
    log_kind,
    misspelt_variables,
    redact_paths,
)
from tests.support import studios


def test_a_home_that_nobody_has_is_a_path_as_it_stands():
    assert expand_home("~nosuchuser/x") == Path("~nosuchuser/x")
    assert expand_home("~/x") == Path.home() / "x"


def test_without_variables_everything_has_its_default() -> None:
    plain = Settings.from_env({})
    assert plain.home == Path.home() / ".e2lm-studio"
    assert (plain.tasks, plain.ladder, plain.checkpoints) == (ROOT / "tasks", ROOT / "ladder", ())
    assert (plain.device, plain.dtype, plain.threads) == (None, "float32", None)
    assert (plain.hub_endpoint, plain.hub_quota_bytes) == (None, 20_000_000_000)
    assert plain.limits == Limits()


def test_a_relative_home_is_that_of_the_folder_in_which_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=Path("mine"))
    assert settings.home == tmp_path / "mine"
    assert settings.sets == tmp_path / "mine" / "sets"


def test_an_empty_variable_is_none() -> None:
    names = ("HOME", "TASKS", "LADDER", "CHECKPOINTS", "DEVICE", "DTYPE", "THREADS", "HUB_ENDPOINT")
    empty = {f"E2LM_{name}": "" for name in (*names, "HUB_QUOTA_GB")}
    assert Settings.from_env(empty) == Settings.from_env({})


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("HOME", "/somewhere/studio", "home", Path("/somewhere/studio")),
        ("HOME", "~/studio", "home", Path.home() / "studio"),
        ("HOME", "studio", "home", Path.cwd() / "studio"),
        ("TASKS", str(ROOT / "docs"), "tasks", ROOT / "docs"),
        ("LADDER", "~/ladder", "ladder", Path.home() / "ladder"),
        ("CHECKPOINTS", "/one", "checkpoints", (Path("/one"),)),
        (
            "CHECKPOINTS",
            os.pathsep.join(("/one", "", "two", "~/three")),
            "checkpoints",
            (Path("/one"), Path.cwd() / "two", Path.home() / "three"),
        ),
        ("DEVICE", "cuda:1", "device", "cuda:1"),
        ("DTYPE", "bfloat16", "dtype", "bfloat16"),
        ("THREADS", "3", "threads", 3),
        ("HUB_ENDPOINT", "https://hub.example/", "hub_endpoint", "https://hub.example"),
        ("HUB_ENDPOINT", "http://localhost:8080", "hub_endpoint", "http://localhost:8080"),
        ("HUB_QUOTA_GB", "1.5", "hub_quota_bytes", 1_500_000_000),
        ("HUB_QUOTA_GB", "20", "hub_quota_bytes", 20_000_000_000),
    ],
)
def test_each_variable_sets_one_thing(variable: str, text: str, field: str, value: object) -> None:
    chosen = Settings.from_env({f"E2LM_{variable}": text})
    assert chosen == Settings.from_env({}).model_copy(update={field: value})


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("DEVICE", "evil", "'evil'; use cpu, cuda, cuda:1 or mps."),
        ("DTYPE", "float64", "'float64'; use one of float32, bfloat16, float16."),
        ("THREADS", "0", "'0'; use a whole number from 1 to 9,999."),
        ("THREADS", "-2", "'-2'; use a whole number from 1 to 9,999."),
        ("THREADS", "two", "'two'; use a whole number from 1 to 9,999."),
        ("THREADS", "1.5", "'1.5'; use a whole number from 1 to 9,999."),
        ("THREADS", "²", "'²'; use a whole number from 1 to 9,999."),
        ("THREADS", "--1", "'--1'; use a whole number from 1 to 9,999."),
        ("THREADS", "9" * 5_000, f"'{'9' * 44}…{'9' * 15}'; use a whole number from 1 to 9,999."),
        (
            "HOME",
            "~no_such_user/studio",
            "'~no_such_user/studio', but nobody here has that name: write the path from its root.",
        ),
        (
            "TASKS",
            "~no_such_user/sets",
            "'~no_such_user/sets', but nobody here has that name: write the path from its root.",
        ),
        (
            "CHECKPOINTS",
            "/one:~no_such_user",
            "'~no_such_user', but nobody here has that name: write the path from its root.",
        ),
        ("TASKS", "/no/such/sets", "'/no/such/sets', which is no folder: check its path."),
        ("TASKS", str(ROOT / "app.py"), f"'{ROOT / 'app.py'}', which is no folder: check its path."),
        ("DEVICE", "gpu", "'gpu'; use cpu, cuda, cuda:1 or mps."),
        ("DEVICE", "cuda:", "'cuda:'; use cpu, cuda, cuda:1 or mps."),
        ("LOG", "verbose", "'verbose'; use one of json, text, off."),
        ("HUB_ENDPOINT", "hub.example", "'hub.example'; use an address with https://."),
        ("HUB_ENDPOINT", "ftp://hub.example", "'ftp://hub.example'; use an address with https://."),
        ("HUB_QUOTA_GB", "-1", "'-1'; use a number of GB above 0, such as 20."),
        ("HUB_QUOTA_GB", "0", "'0'; use a number of GB above 0, such as 20."),
        ("HUB_QUOTA_GB", "much", "'much'; use a number of GB above 0, such as 20."),
        ("HUB_QUOTA_GB", "nan", "'nan'; use a number of GB above 0, such as 20."),
        ("HUB_QUOTA_GB", "1e3", "'1e3'; use a number of GB above 0, such as 20."),
        ("HUB_QUOTA_GB", "20 GB", "'20 GB'; use a number of GB above 0, such as 20."),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(variable: str, text: str, says: str) -> None:
    with pytest.raises(StudioError) as refused:
        Settings.from_env({f"E2LM_{variable}": text})
    assert studios.sentence(refused) == f"E2LM_{variable} is {says}"


def test_the_log_is_off_unless_it_is_named() -> None:
    assert (log_kind({}), log_kind({"E2LM_LOG": "json"})) == ("off", "json")


def test_a_misspelt_variable_is_said_with_the_nearest_name() -> None:
    named = {"E2LM_DEVISE": "cpu", "E2LM_TASK": "x", "E2LM_HOME": "/x", "E2LM_REFERENCE": "x", "HOME": "x"}
    assert misspelt_variables(named) == [
        "'E2LM_DEVISE' is no setting of the studio and changes nothing: did you mean E2LM_DEVICE?",
        "'E2LM_TASK' is no setting of the studio and changes nothing: did you mean E2LM_TASKS?",
    ]


def test_every_variable_less_a_letter_is_known_for_what_it_was() -> None:
    for name in VARIABLES:
        for place in range(len("E2LM_"), len(name)):
            (sentence,) = misspelt_variables({name[:place] + name[place + 1 :]: ""}) or [name]
            assert name in sentence


def test_everything_of_the_users_own_lies_in_the_home() -> None:
    chosen = Settings(home=Path("/home/studio"))
    assert chosen.sets == Path("/home/studio/sets")
    assert chosen.database == Path("/home/studio/studio.sqlite")
    assert chosen.cache == Path("/home/studio/cache")


def test_settings_are_read_once_and_stay() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings(home=Path("/home/studio")).threads = 2  # type: ignore[misc]


def test_what_is_given_away_is_read():
    settings = Settings.from_env(
        {
            "E2LM_HUB_TOKEN_FOR": "EleutherAI, me",
            "E2LM_WORKER_GB": "1.5",
            "E2LM_RUN_CPU_SECONDS": "60",
            "E2LM_UPLOADS_MB": "2",
            "E2LM_MAX_QUESTIONS": "100000",
            "E2LM_FRAMES": "'self' https://*.example.org",
            "E2LM_HOSTS": "studio.example.org",
            "E2LM_METRICS": "open",
            "E2LM_HUB_LOGIN": "1",
            "E2LM_WITH_LM_EVAL": "1",
        }
    )
    assert settings.hub_token_for == ("eleutherai", "me")
    assert settings.hub_login
    assert not Settings.from_env({}).hub_login
    assert (settings.worker_bytes, settings.run_cpu_s) == (1_500_000_000, 60.0)
    assert settings.uploads_bytes == 2 * 2**20
    assert (settings.limits.max_questions, Settings.from_env({}).limits.max_questions) == (100_000, 20_000)
    assert settings.frames == ("'self'", "https://*.example.org")
    assert (settings.hosts, settings.metrics) == (("studio.example.org",), True)
    assert Settings.from_env({"E2LM_HUB_TOKEN_FOR": ""}).hub_token_for == ()
    assert Settings.from_env({}).hub_token_for is None
    assert Settings.from_env({}).shipped
    assert not Settings.from_env({"E2LM_SHIPPED": "0"}).shipped


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("E2LM_WORKER_GB", "0"),
        ("E2LM_WORKER_GB", "much"),
        ("E2LM_RUN_CPU_SECONDS", "-1"),
        ("E2LM_UPLOADS_MB", "1e9"),
        ("E2LM_MAX_QUESTIONS", "0"),
        ("E2LM_MAX_QUESTIONS", "100001"),
        ("E2LM_FRAMES", "https://a; script-src *"),
        ("E2LM_HOSTS", "a/b"),
        ("E2LM_METRICS", "yes"),
        ("E2LM_WITH_LM_EVAL", "yes"),
        ("E2LM_SHIPPED", "no"),
    ],
)
def test_what_may_not_be_given_away_so_is_refused_by_its_name(name, value):
    with pytest.raises(StudioError, match=name):
        Settings.from_env({name: value})


def test_where_checkpoints_are_scored() -> None:
    assert Settings.from_env({}).backend == "local"
    chosen = Settings.from_env({"E2LM_BACKEND": "ray", "E2LM_RAY_WORKERS": "8"})
    assert (chosen.backend, chosen.ray_workers) == ("ray", 8)
    with pytest.raises(StudioError, match="use local or ray"):
        Settings.from_env({"E2LM_BACKEND": "spark"})
    with pytest.raises(StudioError, match="E2LM_RAY_WORKERS is '0'"):
        Settings.from_env({"E2LM_RAY_WORKERS": "0"})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("{home}/locks cannot be written", "E2LM_HOME/locks cannot be written"),
        ("'{home}' is full", "'E2LM_HOME' is full"),
        ("look at {home}.", "look at E2LM_HOME."),
        ("{home}", "E2LM_HOME"),
        ("{home}s and {home}-old are others", "{home}s and {home}-old are others"),
        ("{home}/sets of its own", "E2LM_TASKS of its own"),
        ("{more}/a and {most}/b", "E2LM_CHECKPOINTS/a and E2LM_CHECKPOINTS/b"),
        ("half/a question", "half/a question"),
    ],
)
def test_a_sentence_for_a_page_names_no_place_of_the_machine(tmp_path, said, shown):
    places = {"home": tmp_path / "home", "more": tmp_path / "more", "most": tmp_path / "most"}
    env = {
        "E2LM_HOME": str(places["home"]),
        "E2LM_TASKS": str(places["home"] / "sets"),
        "E2LM_CHECKPOINTS": f"{places['more']}:{places['most']}",
    }
    assert redact_paths(said.format(**places), env) == shown.format(**places)


def test_neither_the_studios_folder_nor_pythons_is_named():
    for path in (ROOT, Path(sys.prefix)):
        assert str(path) not in redact_paths(f"{path}/lib/x.py cannot be read.", {})


def test_a_language_model_is_an_address_and_a_name_and_never_its_key() -> None:
    base = {"E2LM_HOME": "/tmp/x", "E2LM_ASSIST_KEY": "sk-secret", "E2LM_ASSIST_MODEL": "org/m:7b"}
    off = Settings.from_env(base)
    assert off.assist_url is None
    on = Settings.from_env(base | {"E2LM_ASSIST_URL": "http://localhost:8000/v1/", "E2LM_ASSIST_QUOTA": "7"})
    assert (on.assist_url, on.assist_model, on.assist_quota) == ("http://localhost:8000/v1", "org/m:7b", 7)
    assert "sk-secret" not in repr(on) + on.model_dump_json()


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a.example/v1", "file:///etc/passwd", "a.example/v1", "//a.example", "https://"),
        *(
            "https://sk-secret@a.example/v1",
            "https://u:sk-secret@a.example",
            "https://a.example/v1?key=sk-secret",
        ),
        *(
            "https://a.example/v1#x",
            "https://a.example/v 1",
            "https://a.example/\r\nHost: b",
            "https://ä.example",
        ),
    ],
)
def test_another_address_of_a_language_model_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StudioError, match="E2LM_ASSIST_URL is no address of a server") as refused:
        Settings.from_env({"E2LM_ASSIST_URL": url, "E2LM_ASSIST_MODEL": "m"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("E2LM_ASSIST_MODEL", value) for value in ("", "two words", "a;b", "x" * 201)),
        *(("E2LM_ASSIST_QUOTA", value) for value in ("-1", "1.5", "many", "1000000")),
    ],
)
def test_another_model_or_quota_is_refused(variable: str, value: str) -> None:
    env = {"E2LM_ASSIST_URL": "https://a.example/v1", "E2LM_ASSIST_MODEL": "m"}
    with pytest.raises(StudioError, match=variable):
        Settings.from_env(env | {variable: value})
