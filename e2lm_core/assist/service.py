"""Proposals for a set: prepared, agreed to, asked for within the caller's quota, and taken one by one.

Only who may edit a set asks, since only they can take; visitors never do. A request counts when it is sent, whatever
comes back.
"""

from __future__ import annotations

from e2lm_core.assist import client, consent
from e2lm_core.assist.answers import Proposals, read_proposals
from e2lm_core.assist.client import Server
from e2lm_core.assist.requests import Kind, Request, request_of
from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access, quotas
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.written_with import add_note

_TAKEN = {"paraphrases": "question in other words", "cloze": "question as the beginning of a sentence"}


def is_offered(settings: Settings) -> bool:
    """Whether a language model is configured, and the caller is no visitor."""
    return settings.assist_url is not None and access.is_member(settings)


def require_help(settings: Settings, address: str) -> Server:
    """The server for a set that the caller may edit.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.

    Raises:
        StudioError: No language model is configured, or the caller is a visitor.
        TaskError: The set is an example, does not exist, or the caller may not edit it.
    """
    server = client.server_of(settings)
    if server is None:
        raise StudioError(
            Sentence(
                "No language model is configured here: the person who runs this studio can set E2LM_ASSIST_URL."
            )
        )
    access.require_writer(settings)
    access.require_member(settings, Sentence("ask a language model"))
    collection.editable_set(settings, address)
    return server


def prepare(
    settings: Settings,
    address: str,
    kind: Kind,
    question_id: str | None = None,
    place: int | None = None,
    passage: str = "",
) -> Request:
    """The request that would be sent for a set as it is now; nothing is sent.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        kind: Kind of the proposals.
        question_id: Id of the question; not for a passage.
        place: Index of the wrong answer to be replaced, for distractors.
        passage: The passage.

    Raises:
        StudioError: See `require_help`.
        TaskError: There is no such question or wrong answer, or the text is too long.
    """
    require_help(settings, address)
    if kind == "passage":
        return request_of(kind, passage=passage)
    task = collection.open_set(settings, address)
    question = collection.require_question(task, question_id)
    return request_of(kind, question, place)


def agree(settings: Settings, address: str) -> None:
    """Keep that the caller agrees that texts of a set are sent to the configured server.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.

    Raises:
        StudioError: See `require_help`; or the workspace cannot be written.
    """
    consent.agree(settings, address, require_help(settings, address))


def propose(settings: Settings, address: str, request: Request) -> Proposals:
    """Send a request that `prepare` gave and whose set the caller agreed to send; nothing enters the set.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        request: The request, as its author saw it.

    Raises:
        StudioError: See `require_help`; the caller has not agreed; or the server gives no usable answer.
        TaskError: The question was changed since.
        LimitError: The caller's requests of today are used up.
    """
    server = require_help(settings, address)
    if not consent.has_agreed(settings, address, server):
        raise StudioError(
            Sentence(
                "You have not agreed yet that texts of {address} are sent to {model}: read the text, and agree.",
                address=address,
                model=server.model,
            )
        )
    if request.kind != "passage":
        identity = request.question.id if request.question is not None else None
        if prepare(settings, address, request.kind, identity, request.place).text != request.text:
            raise TaskError(
                Sentence("Question {identity} was changed meanwhile: read the text again.", identity=identity)
            )
    quotas.charge(settings, "assist", 1)
    return read_proposals(request, client.complete(server, request.text), server.model)


def take_text(
    settings: Settings, address: str, question: Question, kind: Kind, text: str, model: str
) -> TaskSet:
    """Put a proposed text in place of a question's: one edit, which one undo takes back.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        question: The question as proposals were made for it.
        kind: Kind of the proposal, "paraphrases" or "cloze".
        text: The text.
        model: Name of the model that proposed it.

    Returns:
        The set as it was saved.

    Raises:
        TaskError: The question was changed since, the set is an example, or the caller may not edit it.
    """
    extra = add_note(question.extra, _TAKEN[kind], model)
    saved = authoring.merge_edits(
        settings,
        address,
        {question.id: {"question": text, "extra": extra}},
        {question.id: {"question": question.question, "extra": question.extra}},
    )
    if saved.clashes:
        raise TaskError(
            Sentence("Question {id} was changed meanwhile: ask for proposals again.", id=question.id)
        )
    return saved.task


def take_question(settings: Settings, address: str, question: Question, model: str) -> TaskSet:
    """Add a question that was proposed from a passage: one edit, which one undo takes back.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        question: The question.
        model: Name of the model that proposed it.

    Returns:
        The set as it was saved.

    Raises:
        TaskError: The question is invalid, the set is an example or full, or the caller may not edit it.
    """
    extra = add_note(question.extra, "question from a passage", model)
    return authoring.add_questions(settings, address, [question.model_copy(update={"extra": extra})])
