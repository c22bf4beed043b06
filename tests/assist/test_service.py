"""Proposals for a set: who may ask, after which consent, how often, and what a click leaves in the set."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.assist import consent, service
from e2lm_core.assist.client import AssistError, Server
from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, quotas, sharing, visitors
from e2lm_core.runs.trials import choices
from e2lm_core.sets import authoring, collection, versions
from e2lm_core.sets.written_with import writers
from tests.people.conftest import person
from tests.support.assist_server import MODEL, AssistServer, completion, proposals, sends


def asked(settings: Settings, address: str = "mine"):
    """Other wordings of the first question."""
    return service.propose(settings, address, service.prepare(settings, address, "paraphrases", "q1"))


@pytest.fixture
def people(settings: Settings) -> Settings:
    """The same studio where people sign in; root administers."""
    return settings.model_copy(update={"auth": "oidc", "admins": ("sub:root",)})


def test_nothing_is_sent_before_the_person_agrees_and_the_seen_text_is_what_is_sent(
    settings: Settings, server: AssistServer
) -> None:
    request = service.prepare(settings, "mine", "distractors", "q1", 0)
    with pytest.raises(
        StudioError, match="You have not agreed yet that texts of mine are sent to test/writer-1"
    ):
        service.propose(settings, "mine", request)
    assert not server.asked
    service.agree(settings, "mine")
    found = service.propose(settings, "mine", request)
    assert found.texts == ("a badger", "an otter")
    assert server.texts == [request.text]
    assert (
        collection.open_set(settings, "mine").questions == collection.open_set(settings, "little").questions
    )


def test_consent_is_of_one_set_one_server_and_one_model(settings: Settings) -> None:
    here = Server(url="https://a.example/v1", model="m")
    consent.agree(settings, "mine", here)
    assert consent.has_agreed(settings, "mine", here)
    assert not consent.has_agreed(settings, "other", here)
    assert not consent.has_agreed(settings, "little", here)
    assert not consent.has_agreed(settings, "mine", Server(url="https://b.example/v1", model="m"))
    assert not consent.has_agreed(settings, "mine", Server(url="https://a.example/v1", model="n"))


@pytest.mark.parametrize("gone", ["deleted", "renamed"])
def test_consent_lasts_through_edits_and_is_not_of_another_set_with_the_name(
    settings: Settings, gone: str
) -> None:
    here = Server(url="https://a.example/v1", model="m")
    consent.agree(settings, "mine", here)
    authoring.update_questions(settings, "mine", {"q1": {"question": "Which is it now?"}})
    authoring.update_config(settings, "mine", num_fewshot=1)
    versions.undo(settings, "mine")
    assert consent.has_agreed(settings, "mine", here)
    if gone == "deleted":
        collection.delete_set(settings, "mine")
    else:
        collection.rename_set(settings, "mine", "elsewhere")
    assert not consent.has_agreed(settings, "mine", here)
    collection.copy_set(settings, "little", "mine")
    assert not consent.has_agreed(settings, "mine", here)
    if gone == "deleted":
        collection.delete_set(settings, "mine")
        collection.restore_set(settings, "mine", collection.list_deleted(settings)[0].at)
    consent.agree(settings, "mine", here)
    assert consent.has_agreed(settings, "mine", here)


def test_where_none_is_configured_nobody_is_helped(settings: Settings) -> None:
    off = settings.model_copy(update={"assist_url": None})
    assert not service.is_offered(off)
    with pytest.raises(StudioError, match="No language model is configured here"):
        service.prepare(off, "mine", "cloze", "q1")


def test_each_person_agrees_and_an_editor_asks_where_a_reader_may_not(
    people: Settings, server: AssistServer
) -> None:
    ada, bob, cy = (person(people, name) for name in ("ada", "bob", "cy"))
    collection.copy_set(ada, "little", "hers")
    service.agree(ada, "hers")
    asked(ada, "hers")
    for stranger in (bob, cy):
        with pytest.raises(TaskError, match="no question set 'ada/hers'"):
            service.prepare(stranger, "ada/hers", "cloze", "q1")
    sharing.share(ada, "hers", "bob", "editor")
    sharing.share(ada, "hers", "cy", "reader")
    with pytest.raises(TaskError, match="shared with you to read"):
        service.agree(cy, "ada/hers")
    with pytest.raises(StudioError, match="You have not agreed yet"):
        asked(bob, "ada/hers")
    service.agree(bob, "ada/hers")
    assert asked(bob, "ada/hers").texts
    assert len(server.asked) == 2


@pytest.mark.parametrize("mode", ["sandbox", "readonly"])
def test_visitors_never_ask(people: Settings, server: AssistServer, mode: str) -> None:
    if mode == "sandbox":
        visitor = people.for_person(visitors.open_visitor_workspace(people, "0123456789ab").id, paths=False)
        collection.copy_set(visitor, "little", "mine")
    else:
        visitor = people.for_person(None, paths=False, readonly=True)
    assert not service.is_offered(visitor)
    for attempt in (
        lambda: service.prepare(visitor, "mine", "cloze", "q1"),
        lambda: service.agree(visitor, "mine"),
    ):
        with pytest.raises(TaskError, match=r"Guests do not ask a language model|Guests can only view"):
            attempt()
    assert not server.asked


def test_an_example_is_copied_first(settings: Settings) -> None:
    with pytest.raises(TaskError, match="is an example"):
        service.prepare(settings, "little", "cloze", "q1")


def test_the_day_has_an_end_for_each_person_also_after_a_restart(
    people: Settings, server: AssistServer
) -> None:
    few = people.model_copy(update={"assist_quota": 2})
    root, ada = person(few, "root"), person(few, "ada")
    for each in (root, ada):
        collection.copy_set(each, "little", "hers")
        service.agree(each, "hers")
        asked(each, "hers")
        server.answer = sends(b"", 500)
        with pytest.raises(AssistError):
            asked(each, "hers")  # a request counts whatever comes back
        accounts._opened.cache_clear()  # as a new process
        with pytest.raises(LimitError, match="asked the language model 2 times today, and 2 a day are yours"):
            asked(each, "hers")
        server.answer = completion(proposals("one more"))
    assert len(server.asked) == 4
    quotas.set_limit(root, "assist", 3, "ada")
    assert asked(ada, "hers").texts
    with accounts.accounts_database(few).transaction() as connection:
        connection.execute("UPDATE spent SET day = '2000-01-01'")
    assert asked(root, "hers").texts


def test_the_day_has_an_end_where_nobody_signs_in(settings: Settings, server: AssistServer) -> None:
    few = settings.model_copy(update={"assist_quota": 1})
    service.agree(few, "mine")
    asked(few)
    with pytest.raises(LimitError, match="1 times today, and 1 a day"):
        asked(few)


def test_a_question_that_was_changed_meanwhile_is_not_sent(settings: Settings, server: AssistServer) -> None:
    request = service.prepare(settings, "mine", "paraphrases", "q1")
    service.agree(settings, "mine")
    authoring.update_questions(settings, "mine", {"q1": {"question": "Another?"}})
    with pytest.raises(TaskError, match="was changed meanwhile"):
        service.propose(settings, "mine", request)
    assert not server.asked


def test_a_taken_text_is_one_edit_that_names_the_model(settings: Settings) -> None:
    before = collection.open_set(settings, "mine")
    question = before.questions[0]
    service.take_text(settings, "mine", question, "paraphrases", "In other words?", MODEL)
    taken = collection.open_set(settings, "mine").questions[0]
    assert taken.question == "In other words?"
    assert taken.extra["written_with"] == f"question in other words by {MODEL}"
    choices.take_choice(settings, "mine", taken, 0, "a badger", MODEL)
    choices.take_choice(settings, "mine", collection.open_set(settings, "mine").questions[0], 3, "an otter")
    task = collection.open_set(settings, "mine")
    assert task.questions[0].extra["written_with"] == (
        f"question in other words by {MODEL}; choice A proposed by {MODEL}; "
        "choice D proposed by the studio from tried answers"
    )
    assert writers(task.questions) == {MODEL: 1, "the studio from tried answers": 1}
    with pytest.raises(TaskError, match="was changed meanwhile"):
        service.take_text(settings, "mine", question, "cloze", "It is", MODEL)
    for _ in range(3):
        versions.undo(settings, "mine")
    assert collection.open_set(settings, "mine").questions == before.questions


def test_a_question_from_a_passage_is_added(settings: Settings, server: AssistServer) -> None:
    server.answer = completion(
        proposals({"question": "What is kelp?", "right": "an alga", "wrong": ["a moss", "a fern", "a fish"]})
    )
    service.agree(settings, "mine")
    request = service.prepare(settings, "mine", "passage", passage="Kelp is an alga.")
    (question,) = service.propose(settings, "mine", request).questions
    task = service.take_question(settings, "mine", question, MODEL)
    added = task.questions[-1]
    assert (added.id, added.choices[added.answer]) == ("q7", "an alga")
    assert added.extra["written_with"] == f"question from a passage by {MODEL}"


def test_the_home_has_the_consent_and_never_the_key(settings: Settings, server: AssistServer) -> None:
    from tests.support.assist_server import KEY

    service.agree(settings, "mine")
    asked(settings)
    files = [path for path in Path(settings.home).rglob("*") if path.is_file()]
    assert any(path.parent.name == "assist" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
