"""What a hub refuses, and a machine that is offline: one sentence each."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import client as hub_client
from e2lm_core.checkpoints.hub import retries
from e2lm_core.checkpoints.unpacking import ensure_directory
from tests.support.fake_hub import Repo, weights
from tests.support.hub_fixtures import DENSE, E2LM, fake, first, sentence, settings

__all__ = ["fake", "first", "settings"]  # fixtures


def test_vanished_revision(fake, settings, first):
    fake.repos[DENSE].commits.clear()
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert f"no longer has {DENSE} at {first.revision}" in sentence(error)


def test_vanished_file(fake, settings, first):
    fake.instead("model.safetensors", status=404, headers={"X-Error-Code": "EntryNotFound"})
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "no longer has iter_0002000/model.safetensors" in sentence(error)


@pytest.mark.parametrize("model", ["dense-1b-arch1", "dense-3b-arch2"])
def test_repository_that_is_not_there(fake, settings, model):
    with pytest.raises(CheckpointError) as error:
        hub.list_remote(settings, E2LM, model)
    assert "without a token (401): set HF_TOKEN" in sentence(error)


def test_private_repository_and_its_token(fake, settings, monkeypatch, caplog, capfd):
    fake.repos[DENSE].token = "hf_" + "secret"
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    assert "set HF_TOKEN" in sentence(error)
    monkeypatch.setenv("HF_TOKEN", "hf_wrongtoken")
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    assert "refuses" in sentence(error)
    assert "hf_wrongtoken" not in sentence(error)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret")
    first = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")[0]
    ensure_directory(first, settings)
    stored = [h for _, p, h in fake.seen if p.startswith("/storage/")]
    assert stored
    assert not any("Authorization" in headers or "authorization" in headers for headers in stored)
    written = [p for p in settings.home.rglob("*") if p.is_file()]
    assert not any(b"hf_secret" in p.read_bytes() for p in written)
    assert "hf_" not in caplog.text + "".join(capfd.readouterr())


def test_token_file_is_not_read(fake, settings, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("hf_fromfile")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    ensure_directory(hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")[0], settings)
    assert not any("hf_fromfile" in str(headers) for _, _, headers in fake.seen)


def test_a_login_is_used_where_the_user_says_so(fake, settings, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("hf_fromfile")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    fake.repos[DENSE].token = "hf_fromfile"
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    assert "or E2LM_HUB_LOGIN=1 for that of huggingface-cli login" in sentence(error)
    allowed = settings.model_copy(update={"hub_login": True})
    ensure_directory(hub.add_checkpoints(allowed, E2LM, "dense-500m-arch1")[0], allowed)
    elsewhere = allowed.model_copy(update={"hub_token_for": ("others",)})
    assert hub_client.token_for(DENSE, elsewhere) is False


def test_gated_repository(fake, settings):
    fake.instead("/api/models/", status=403, headers={"X-Error-Code": "GatedRepo"})
    with pytest.raises(CheckpointError) as error:
        hub.list_remote(settings, E2LM, "dense-500m-arch1")
    assert "is gated: accept its terms" in sentence(error)


@pytest.mark.parametrize("path", ["/api/models/", "/resolve/"])
@pytest.mark.parametrize(
    ("headers", "when"),
    [
        ({"Retry-After": "120"}, "in 120 seconds"),
        ({"RateLimit": '"api";r=0;t=55'}, "in 55 seconds"),
        ({}, "in some minutes"),
    ],
)
def test_a_long_pause_is_named(fake, settings, first, path, headers, when):
    fake.instead(path, status=429, headers=headers)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert f"(429): try again {when}" in sentence(error)


def test_a_short_pause_is_waited_for(fake, settings, first, monkeypatch):
    pauses = []
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=pauses.append))
    fake.instead("/api/models/", status=429, headers={"Retry-After": "2"}, times=2)
    ensure_directory(first, settings)
    assert pauses == [2, 2]


@pytest.mark.parametrize("path", ["/api/models/", "/resolve/", "/storage/"])
@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_hub_that_is_away_for_a_moment_is_asked_again(fake, settings, first, monkeypatch, path, status):
    pauses = []
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=pauses.append))
    fake.instead(path, status=status, times=2)
    folder = ensure_directory(first, settings)
    assert (folder / "model.safetensors").read_bytes() == weights(2_000)
    assert pauses == [1, 2]


def test_a_hub_that_stays_away_is_asked_four_times(fake, settings, first, monkeypatch):
    pauses = []
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=pauses.append))
    fake.instead("/storage/", status=503)
    with pytest.raises(hub_client.HubUnreachable) as error:
        ensure_directory(first, settings)
    assert "at the moment (503): try again later" in sentence(error)
    assert (pauses, len(fake.fetched())) == ([1, 2, 4], 4)


def test_a_storage_that_is_away_within_a_file_goes_on_from_there(fake, settings, first, monkeypatch):
    """The connection breaks after 1,000 bytes, and the storage is away when it is asked for the rest."""
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=lambda _: None))
    fake.instead("/storage/", cut_at=1_000, times=1)
    fake.instead("/storage/", status=503, times=1)
    folder = ensure_directory(first, settings)
    assert (folder / "model.safetensors").read_bytes() == weights(2_000)
    assert len(fake.fetched()) == 3


def test_an_expired_link_is_asked_for_anew(fake, settings, first):
    fake.instead("/storage/", status=403, times=1)
    ensure_directory(first, settings)
    assert len(fake.fetched()) == 2


def test_a_storage_that_refuses_is_no_want_of_a_token(fake, settings, first):
    fake.instead("/storage/", status=403)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "refuses the link that the hub gave (403)" in sentence(error)
    assert "token" not in sentence(error)


def test_a_disabled_repository(fake, settings):
    said = {"X-Error-Message": "Access to this resource is disabled."}
    fake.instead("/api/models/", status=403, headers=said)
    with pytest.raises(CheckpointError) as error:
        hub.list_remote(settings, E2LM, "dense-500m-arch1")
    assert "is disabled on the hub" in sentence(error)
    assert "token" not in sentence(error)


def test_a_gated_repository_is_refused_when_it_is_added(fake, settings, monkeypatch):
    """Its listing is public; who may not read its files is told at once, not after the others' downloads."""
    fake.repos[DENSE].gated_for = "hf_" + "secret"
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    assert "is gated: accept its terms" in sentence(error)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret")
    ensure_directory(hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")[0], settings)


def test_hub_out_of_order(fake, settings, first, monkeypatch):
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=lambda _: None))
    fake.instead("/api/models/", status=503)
    with pytest.raises(CheckpointError) as error:
        ensure_directory(first, settings)
    assert "at the moment (503): try again later" in sentence(error)


def test_address_that_is_no_hub(fake, settings, monkeypatch):
    monkeypatch.setattr(Repo, "refs", {}, raising=False)
    fake.repos[DENSE].refs = {"main": "short"}
    fake.repos[DENSE].commits["short"] = {}
    with pytest.raises(CheckpointError) as error:
        hub.list_remote(settings, E2LM, "dense-500m-arch1")
    assert "is not a hub's: check E2LM_HUB_ENDPOINT" in sentence(error)


def test_offline_offers_what_is_here(fake, settings, monkeypatch):
    one, other, _ = hub.add_checkpoints(settings, E2LM, "dense-500m-arch1")
    with_nothing = pytest.raises(hub_client.HubUnreachable)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with with_nothing as error:
        ensure_directory(one, settings)
    assert "HF_HUB_OFFLINE is set" in sentence(error)
    assert "no checkpoint of a hub is downloaded yet" in sentence(error)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    folder = ensure_directory(one, settings)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert ensure_directory(one, settings) == folder
    with pytest.raises(hub_client.HubUnreachable) as error:
        ensure_directory(other, settings)
    assert "1 downloaded can be used without it (dense-500m-arch1/iter_0002000)" in sentence(error)
    with pytest.raises(hub_client.HubUnreachable):
        hub.list_remote(settings, E2LM, "dense-500m-arch1")
    assert len(open_catalogue(settings).checkpoints_of("dense-500m-arch1")) == 3


def test_no_connection(fake, settings, first):
    away = settings.model_copy(update={"hub_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(hub_client.HubUnreachable) as error:
        ensure_directory(first, away)
    assert "cannot be reached at http://127.0.0.1:9" in sentence(error)


TOKEN = "hf_" + "secret"


def named(settings, *owners: str):
    return settings.model_copy(update={"hub_token_for": owners})


@pytest.mark.parametrize(
    ("owners", "opens"), [((), False), (("else",), False), (("tiiuae",), True), (("*",), True)]
)
def test_the_deployers_token_is_used_for_owners_that_are_named(fake, settings, monkeypatch, owners, opens):
    fake.repos[DENSE].token = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fake.seen.clear()
    if opens:
        first = hub.add_checkpoints(named(settings, *owners), E2LM, "dense-500m-arch1")[0]
        ensure_directory(first, named(settings, *owners))
        return
    with pytest.raises(CheckpointError) as error:
        hub.add_checkpoints(named(settings, *owners), E2LM, "dense-500m-arch1")
    assert "unless its deployer names tiiuae in E2LM_HUB_TOKEN_FOR" in sentence(error)
    assert TOKEN not in str(fake.seen), "not even sent"
    assert TOKEN not in sentence(error)


def test_an_owners_name_is_no_pattern_and_no_beginning(settings):
    for repo in ("tiiuae-evil/x", "evil/tiiuae", "tiiuae", "x/tiiuae/y"):
        assert hub_client.may_use_token(repo, named(settings, "tiiuae")) is (repo == "tiiuae")
    assert hub_client.may_use_token("TiiUAE/x", named(settings, "tiiuae"))
