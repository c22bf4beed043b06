"""Requests to a model hub through huggingface_hub.

Every failure becomes one sentence. A token is read from the environment (`HF_TOKEN`) at each call, or from
the file of a `huggingface-cli login` if the settings say so. It is used for repositories of owners that the
settings allow, is sent to the hub alone (not to the storage that it redirects to) and stands in no message.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from urllib.parse import urlsplit

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.processes import TOKENS
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.hub.cache import offline_hint
from e2lm_core.checkpoints.hub.retries import append_rest, ask_with_retries, retry_after

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_SHA = re.compile(r"[0-9a-f]{40}")
_TIMEOUT_S = 15.0
_LINKS = 2  # attempts to get a file's link to the storage: the first may have expired


class HubUnreachable(CheckpointError):
    """The hub does not answer now but may answer later; downloaded checkpoints can still be used."""


class NoConnectionError(HubUnreachable):
    """There is no connection to the hub, so other repositories cannot be reached either."""


class OfflineByChoice(NoConnectionError):
    """The hub is not asked because HF_HUB_OFFLINE is set: waiting does not help."""


class RemoteFile(Record):
    """File of a repository on a hub.

    Attributes:
        path: Path in the repository.
        bytes: Length.
        sha256: Digest of a large file, hexadecimal; None for any other.
        git_sha1: Git's digest of any other file, hexadecimal, over `blob LENGTH`, a zero byte and the
            content.
    """

    path: str
    bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True)
class _Asked:
    """Object of a request, with its name for sentences."""

    repo: str
    revision: str | None = None
    path: str | None = None

    @property
    def what(self) -> str:
        return Sentence("{path} of {repo}", path=self.path, repo=self.repo) if self.path else self.repo

    @property
    def address(self) -> str:
        return (
            Sentence("{repo} at {revision}", repo=self.repo, revision=self.revision)
            if self.revision
            else self.repo
        )


Kind = Literal["model", "dataset"]


class HubClient:
    """Client of one hub, at `endpoint` (E2LM_HUB_ENDPOINT, else huggingface_hub's own)."""

    def __init__(self, settings: Settings) -> None:
        from huggingface_hub import constants  # slow to import, so only for a client

        self._settings = settings
        self.endpoint = settings.hub_endpoint or constants.ENDPOINT

    def files(self, repo: str, revision: str, kind: Kind = "model") -> tuple[str, tuple[RemoteFile, ...]]:
        """Current commit of a branch, tag or commit, and the files there.

        If the hub asks for a pause of up to 10 seconds, or is away for a moment, the request is repeated.

        Args:
            repo: OWNER/NAME of the repository.
            revision: Branch, tag or commit.
            kind: Kind of the repository.

        Raises:
            CheckpointError: The hub refuses, or the repository is gated and its files may not be read; in one
                sentence.
            HubUnreachable: The hub cannot be reached or gives no answer now.
        """

        def ask() -> Any:
            api = self._api(repo)
            info_of = api.model_info if kind == "model" else api.dataset_info
            found = info_of(repo, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
            if found.gated:  # the listing is public, the files are not
                api.auth_check(repo, repo_type=kind)
            return found

        with self._told(_Asked(repo, revision)):
            info = ask_with_retries(ask)
            return _commit(info.sha), tuple(
                RemoteFile(
                    path=sibling.rfilename,
                    bytes=sibling.lfs.size if sibling.lfs else int(sibling.size),
                    sha256=sibling.lfs.sha256 if sibling.lfs else None,
                    git_sha1=None if sibling.lfs else sibling.blob_id,
                )
                for sibling in info.siblings or ()
            )

    def revisions(self, repo: str) -> dict[str, str]:
        """Branch or tag → its current commit (40 hex digits).

        Raises:
            CheckpointError: As by `files`.
            HubUnreachable: As by `files`.
        """

        def ask() -> Any:
            api = self._api(repo)
            # The listing below has no timeout and might wait for ever; this request gives up in time.
            api.model_info(repo, timeout=_TIMEOUT_S)
            return api.list_repo_refs(repo)

        with self._told(_Asked(repo)):
            refs = ask_with_retries(ask)
            return {ref.name: _commit(ref.target_commit) for ref in [*refs.tags, *refs.branches]}

    def fetch(
        self,
        repo: str,
        commit: str,
        file: RemoteFile,
        target: BinaryIO,
        written: Callable[[int], None],
        kind: Kind = "model",
    ) -> None:
        """Append the rest of a file to an open file.

        `hf_hub_download` cannot take its place: it writes to a file of a random name and deletes it after any
        error, so that no download would go on where it stopped.

        Args:
            repo: OWNER/NAME of the repository.
            commit: Commit.
            file: The file as listed.
            target: Open file that holds the first bytes, positioned at its end; bytes written before an error
                stay.
            written: Called after each write with the bytes that are there; it may raise to stop.
            kind: Kind of the repository.

        Raises:
            CheckpointError: As by `files`; the hub offers another file than it listed, or its storage refuses
                the link.
            HubUnreachable: As by `files`.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import build_hf_headers

        token = token_for(repo, self._settings)
        url = hf_hub_url(repo, file.path, repo_type=kind, revision=commit, endpoint=self.endpoint)

        def linked() -> str:
            found = ask_with_retries(
                lambda: get_hf_file_metadata(url, token=token, timeout=_TIMEOUT_S, endpoint=self.endpoint)
            )
            if found.commit_hash != commit or found.etag not in (file.sha256, file.git_sha1):
                raise CheckpointError(
                    Sentence(
                        "The hub offers another {path} of {repo} than it lists at {commit}: try again later.",
                        path=file.path,
                        repo=repo,
                        commit=commit[:12],
                    )
                )
            return found.location

        with self._told(_Asked(repo, commit, file.path)):
            for link in range(_LINKS):
                location = linked()
                on_hub = urlsplit(location)[:2] == urlsplit(url)[:2]
                headers = build_hf_headers(token=token if on_hub else False)
                try:
                    ask_with_retries(partial(append_rest, location, headers, file.bytes, target, written))
                    return
                except HfHubHTTPError as error:
                    status = error.response.status_code
                    if on_hub or status not in (401, 403):
                        raise
                    if link + 1 == _LINKS:
                        raise CheckpointError(
                            Sentence(
                                "The storage of {path} of {repo} refuses the link that the hub gave ({status}): "
                                "download again later, it goes on where it stopped.",
                                path=file.path,
                                repo=repo,
                                status=str(status),
                            )
                        ) from error

    def _api(self, repo: str) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=token_for(repo, self._settings))

    @contextmanager
    def _told(self, asked: _Asked) -> Iterator[None]:
        """Turn errors of huggingface_hub into one sentence; others, such as `Cancelled`, pass through."""
        try:
            yield
        except CheckpointError:
            raise
        except Exception as error:
            told = _of_the_repository(error, asked, self._settings) or self._of_the_connection(
                error, asked.what
            )
            if told is None:
                raise
            raise told from error

    def _of_the_connection(self, error: Exception, what: str) -> CheckpointError | None:
        """Error for a hub that is away, is no hub or ended its answer early; None for another kind."""
        import httpx2
        from huggingface_hub.errors import FileMetadataError, OfflineModeIsEnabled

        if isinstance(error, OfflineModeIsEnabled):
            return OfflineByChoice(
                Sentence(
                    "{what} cannot be asked for, since HF_HUB_OFFLINE is set: unset it to go online; {hint}",
                    what=what,
                    hint=offline_hint(self._settings),
                )
            )
        if isinstance(error, httpx2.TransportError):
            return NoConnectionError(
                Sentence(
                    "{what} cannot be reached at {endpoint} ({error}): check the connection; {hint}",
                    what=what,
                    endpoint=self.endpoint,
                    error=_short(error),
                    hint=offline_hint(self._settings),
                )
            )
        if isinstance(error, OSError) and not isinstance(error, FileMetadataError):
            kind = HubUnreachable if error.errno is None else CheckpointError
            return kind(_cut_short(what, error))
        answers = (FileMetadataError, httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError)
        return CheckpointError(self._no_hub(what)) if isinstance(error, answers) else None

    def _no_hub(self, what: str) -> str:
        return Sentence(
            "The answer of {endpoint} about {what} is not a hub's: check E2LM_HUB_ENDPOINT.",
            endpoint=self.endpoint,
            what=what,
        )


def _of_the_repository(error: Exception, asked: _Asked, settings: Settings) -> CheckpointError | None:
    """Error for the hub's answer on a repository, revision or file; None for another kind."""
    from huggingface_hub.errors import (
        DisabledRepoError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RemoteEntryNotFoundError,
        RevisionNotFoundError,
    )

    repo, at = asked.repo, asked.address
    if isinstance(error, HFValidationError):
        return CheckpointError(
            Sentence(
                "{repo} is not a repository's name: use OWNER/NAME, as in EleutherAI/pythia-70m.",
                repo=f"{repo!r}",
            )
        )
    if isinstance(error, DisabledRepoError):
        return CheckpointError(
            Sentence("{repo} is disabled on the hub, for everybody: choose another repository.", repo=repo)
        )
    if isinstance(error, GatedRepoError):
        if is_token_withheld(repo, settings):
            return CheckpointError(Sentence("{repo} is gated: {hint}", repo=repo, hint=_not_named(repo)))
        return CheckpointError(
            Sentence(
                "{repo} is gated: accept its terms on the hub and set HF_TOKEN to a token that may read it, or "
                "E2LM_HUB_LOGIN=1 to use that of huggingface-cli login.",
                repo=repo,
            )
        )
    if isinstance(error, RevisionNotFoundError):
        return CheckpointError(
            Sentence(
                "The hub no longer has {at}: remove the model and add it again to see what there is now.",
                at=at,
            )
        )
    if isinstance(error, RemoteEntryNotFoundError):
        return CheckpointError(
            Sentence(
                "The hub no longer has {file} of {at}: remove the model and add it again.",
                file=asked.path or Sentence("a file"),
                at=at,
            )
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        kind = HubUnreachable if status == 429 or status >= 500 else CheckpointError
        return kind(_refusal(asked, error.response, settings))
    return None


def token_for(repo: str, settings: Settings) -> str | Literal[False]:
    """Token of the hub if it may be used for the repository, else False.

    False also keeps huggingface_hub from using a stored token.
    """
    return (may_use_token(repo, settings) and _token(settings)) or False


def may_use_token(repo: str, settings: Settings) -> bool:
    """Whether the deployer's token may be used for a repository: its owner is allowed, or all are."""
    named = settings.hub_token_for
    return named is None or "*" in named or repo.partition("/")[0].lower() in named


def is_token_withheld(repo: str, settings: Settings) -> bool:
    """Whether there is a token that must not be used for the repository."""
    return bool(_token(settings)) and not may_use_token(repo, settings)


def _token(settings: Settings) -> str:
    given = next((value for name in TOKENS if (value := os.environ.get(name))), "")
    if given or not settings.hub_login:
        return given
    from huggingface_hub import get_token

    return get_token() or ""


def _not_named(repo: str) -> str:
    return Sentence(
        "the studio's token is not used for it, unless its deployer names {owner} in E2LM_HUB_TOKEN_FOR.",
        owner=repo.partition("/")[0],
    )


def _commit(sha: object) -> str:
    if not isinstance(sha, str) or not _SHA.fullmatch(sha):
        raise ValueError("not a commit")
    return sha


def _refusal(asked: _Asked, response: Any, settings: Settings) -> str:
    status, what = response.status_code, asked.what
    values = {"what": what, "status": str(status)}
    if status in (401, 403):
        if is_token_withheld(asked.repo, settings):
            return Sentence(
                "The hub does not show {what} without a token ({status}): {hint}",
                **values,
                hint=_not_named(asked.repo),
            )
        if _token(settings):
            return Sentence(
                "The hub refuses {what} to the token that is set ({status}): use one that may read it, or check the name.",
                **values,
            )
        return Sentence(
            "The hub does not show {what} without a token ({status}): set HF_TOKEN, or E2LM_HUB_LOGIN=1 for that of "
            "huggingface-cli login, or check the name.",
            **values,
        )
    if status == 404:
        return Sentence("The hub has no {what}: check the name, and HF_TOKEN where it is private.", what=what)
    if status == 429:
        pause = retry_after(response)
        return Sentence(
            "The hub asks for a pause before it gives {what} (429): try again {when}, what is here is kept.",
            what=what,
            when=Sentence("in {seconds} seconds", seconds=str(pause))
            if pause is not None
            else Sentence("in some minutes"),
        )
    if status == 416:
        return Sentence("The hub has only a part of {what}: try again later.", what=what)
    if status >= 500:
        return Sentence(
            "The hub cannot give {what} at the moment ({status}): try again later, what is here is kept.",
            **values,
        )
    return Sentence("The hub answers {status} when asked for {what}: check the name.", **values)


def _cut_short(what: str, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Sentence(
            "The disk is full before {what} is there: free some space, or evict checkpoints, and download again.",
            what=what,
        )
    if error.errno is not None:
        return Sentence(
            "{what} cannot be written ({problem}): check the folder E2LM_HOME.",
            what=what,
            problem=error.strerror,
        )
    return Sentence("{what} ended too early: download it again, it goes on where it stopped.", what=what)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:100].rstrip(".") or type(error).__name__
