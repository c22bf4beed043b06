"""The deployer's key, looked for in all that a studio writes, says and hands on."""

from __future__ import annotations

import json
import logging
import tarfile
from pathlib import Path

import pytest

from e2lm_core.assist import service
from e2lm_core.base.errors import StudioError
from e2lm_core.base.processes import subprocess_environment
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as commands
from e2lm_core.deploy.home import backup
from e2lm_core.export import html, report
from e2lm_core.export.card import sections
from e2lm_core.export.submission import build_bundle
from e2lm_core.runs import evaluate
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.assist_server import KEY, MODEL, AssistServer, completion, proposals, sends


def test_the_key_is_in_no_file_page_log_backup_or_worker(
    tmp_path: Path,
    server: AssistServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Pages: tests/pages/test_proposals.py."""
    said: list[str] = []
    studio = studios.studio(tmp_path / "other")
    studio.settings.sets.mkdir(parents=True, exist_ok=True)
    with caplog.at_level(logging.DEBUG):
        service.agree(settings, "mine")
        for answer in (
            completion(proposals("In other words?")),
            completion(f"{KEY}"),
            completion(proposals(KEY)),
            sends(KEY.encode(), 500),
            sends(KEY.encode(), 401, {"X-Key": KEY}),
            sends(b"", 302, {"Location": f"http://{KEY}.example"}),
        ):
            server.answer = answer
            try:
                request = service.prepare(settings, "mine", "paraphrases", "q1")
                said.append(repr(service.propose(settings, "mine", request)))
            except StudioError as error:
                said.append(repr(error))
        question = collection.open_set(settings, "mine").questions[0]
        service.take_text(settings, "mine", question, "paraphrases", "In other words?", MODEL)
        for name, value in studios.environment(settings).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            commands.main(["question", "propose", "mine", "q2"])
    assert len(server.asked) == 7
    assert all(headers["Authorization"].endswith(KEY) for _, headers, _ in server.asked)
    task = collection.open_set(settings, "mine")
    checkpoints = studio.catalogue.checkpoints_of("ladder-large-arch1")
    evaluate.evaluate(studio, task, checkpoints)
    fleet = OpenFleet("", checkpoints)
    document = report.build_report(studio, task, fleet, with_relevance=False)
    archive = tmp_path / "home.tar.gz"
    backup.write_backup(settings, archive)
    with tarfile.open(archive) as packed:
        for entry in packed:
            content = packed.extractfile(entry)
            said.append((content.read() if content else b"").decode("latin-1"))
    out, err = capfd.readouterr()
    said += [out, err, caplog.text, json.dumps(document), html.render(document)]
    said.append(sections.build_sections(studio, task, fleet, with_relevance=False).text)
    said.append(build_bundle(studio, task, findings=[]).decode("latin-1"))
    said += [repr(settings), repr(Settings.from_env()), json.dumps(subprocess_environment(with_network=True))]
    said += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert MODEL in "".join(said), "what was searched has the name of the model"
    assert not [text[:200] for text in said if KEY in text]
