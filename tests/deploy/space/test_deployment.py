"""A Space made and brought up to date on a hub of this machine: what is planned, what is done, what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.deploy.space import deployment as space
from e2lm_core.deploy.space.deployment import DeployPlan, Setting, SpaceConfig
from tests.deploy.space.spaces import Space, SpacesHub
from tests.support import studios

REPO = "me/studio"
OURS = {".dockerignore", "Dockerfile", "README.md", "app.py", "e2lm_core/__main__.py", "ladder/weights/a.xz"}


@pytest.fixture
def deployed(settings: Settings, checkout: Path, hub: SpacesHub) -> Space:
    deploy(settings, SpaceConfig(repo=REPO))
    return hub.spaces[REPO]


def deploy(settings: Settings, wish: SpaceConfig) -> DeployPlan:
    plan = space.plan_deployment(settings, wish)
    space.deploy(settings, wish, plan)
    return plan


def test_a_plan_changes_nothing(settings: Settings, checkout: Path, hub: SpacesHub) -> None:
    plan = space.plan_deployment(settings, SpaceConfig(repo=REPO, bucket="me/data"))
    assert plan.creates
    assert plan.creates_bucket
    assert {f.path for f in plan.uploads} == OURS
    assert not hub.spaces
    assert not hub.buckets
    assert {method for method, _, _ in hub.seen} == {"GET"}


def test_who_is_no_administrator_deploys_nothing(settings: Settings, checkout: Path, hub: SpacesHub) -> None:
    made = space.plan_deployment(settings, SpaceConfig(repo=REPO))
    visitor = settings.model_copy(update={"auth": "oidc", "person": "bob"})
    for refused in (
        lambda: space.plan_deployment(visitor, SpaceConfig(repo=REPO)),
        lambda: space.deploy(visitor, SpaceConfig(repo=REPO), made),
    ):
        with pytest.raises(StudioError, match="administrator"):
            refused()
    assert not hub.spaces


def test_a_new_space(settings: Settings, checkout: Path, hub: SpacesHub) -> None:
    wish = SpaceConfig(
        repo=REPO,
        hardware="cpu-upgrade",
        bucket="me/data",
        sign_in=True,
        private=True,
        variables={"E2LM_THREADS": "2"},
    )
    deploy(settings, wish)
    made = hub.spaces[REPO]
    assert set(made.files) == OURS | {".gitattributes"}
    assert made.files["ladder/weights/a.xz"] == b"weights"
    assert made.files["README.md"].decode().endswith("---\n\n# The studio\n")
    assert made.front["sdk"] == "docker"
    assert made.front["app_port"] == 7860
    assert made.front["hf_oauth"] is True
    assert (made.visibility, made.hardware) == ("private", "cpu-upgrade")
    assert made.variables == {"E2LM_AUTH": "oidc", "E2LM_ADMINS": "me", "E2LM_THREADS": "2"}
    assert made.volumes == [{"type": "bucket", "source": "me/data", "mountPath": "/data"}]
    assert hub.buckets["me/data"]["private"]
    assert space.plan_deployment(settings, wish).empty


def test_only_what_changed_is_uploaded(
    settings: Settings, checkout: Path, deployed: Space, hub: SpacesHub
) -> None:
    assert space.plan_deployment(settings, SpaceConfig(repo=REPO)).empty
    commits = len(deployed.commits)
    assert (
        space.deploy(
            settings, SpaceConfig(repo=REPO), space.plan_deployment(settings, SpaceConfig(repo=REPO))
        )
        is None
    )
    (checkout / "app.py").write_text("app = 2\n")
    (checkout / "Dockerfile").unlink()
    (checkout / "notes.txt").write_text("not known to git")
    plan = deploy(settings, SpaceConfig(repo=REPO))
    assert [f.path for f in plan.uploads] == ["app.py"]
    assert plan.deletes == ("Dockerfile",)
    assert len(deployed.commits) == commits + 1
    assert deployed.files["app.py"] == b"app = 2\n"
    assert "notes.txt" not in deployed.files
    uploads = [path for method, path, _ in hub.seen if path.startswith("/up/")]
    assert len(uploads) == 1


def test_what_nobody_asked_to_change_stays(settings: Settings, checkout: Path, deployed: Space) -> None:
    readme = deployed.files["README.md"].replace(b"E2LM Task Studio", b"Ours").replace(b"indigo", b"red")
    deployed.commit({**deployed.files, "README.md": readme})
    deployed.variables["OTHER"] = "kept"
    deployed.volumes = [{"type": "model", "source": "me/m", "mountPath": "/models", "readOnly": True}]
    deployed.hardware = "l4x1"
    assert space.plan_deployment(settings, SpaceConfig(repo=REPO)).empty
    plan = deploy(settings, SpaceConfig(repo=REPO, bucket="me/data", sign_in=True))
    assert plan.settings == (
        Setting(name="volume /data", before=None, after="me/data"),
        Setting(name="variable E2LM_AUTH", before=None, after="oidc"),
        Setting(name="variable E2LM_ADMINS", before=None, after="me"),
    )
    assert [f.path for f in plan.uploads] == ["README.md"]
    assert (deployed.front["title"], deployed.front["colorFrom"]) == ("Ours", "red")
    assert deployed.variables["OTHER"] == "kept"
    assert [v["mountPath"] for v in deployed.volumes] == ["/models", "/data"]
    assert deployed.hardware == "l4x1"
    # Signing in stays on until it is said otherwise.
    assert space.plan_deployment(settings, SpaceConfig(repo=REPO)).empty
    assert deploy(settings, SpaceConfig(repo=REPO, sign_in=False)).uploads
    assert deployed.front["hf_oauth"] is False


@pytest.mark.parametrize("owner", ["our-org", "somebody-else"])
def test_people_sign_in_to_an_organisations_space_once_an_administrator_is_named(
    settings: Settings, checkout: Path, hub: SpacesHub, owner: str
) -> None:
    for variables in ({}, {"E2LM_ADMINS": ""}, {"E2LM_ADMINS": " , "}):
        with pytest.raises(StudioError, match=f"'{owner}' is not your own account") as error:
            space.plan_deployment(
                settings, SpaceConfig(repo=f"{owner}/studio", sign_in=True, variables=variables)
            )
        assert "--variable E2LM_ADMINS=me" in studios.sentence(error)
    assert not hub.spaces
    named = SpaceConfig(repo="our-org/studio", sign_in=True, variables={"E2LM_ADMINS": "me"})
    deploy(settings, named)
    assert hub.spaces["our-org/studio"].variables == {"E2LM_AUTH": "oidc", "E2LM_ADMINS": "me"}
    assert space.plan_deployment(
        settings, named.model_copy(update={"variables": {}})
    ).empty  # they are named already
    space.plan_deployment(settings, SpaceConfig(repo="our-org/other"))


def test_administrators_who_are_named_already_stay(
    settings: Settings, checkout: Path, deployed: Space
) -> None:
    deployed.variables["E2LM_ADMINS"] = "grace"
    deploy(settings, SpaceConfig(repo=REPO, sign_in=True))
    assert deployed.variables == {"E2LM_AUTH": "oidc", "E2LM_ADMINS": "grace"}


def test_settings_are_changed_and_said_before(settings: Settings, checkout: Path, deployed: Space) -> None:
    plan = deploy(settings, SpaceConfig(repo=REPO, hardware="t4-small", private=True, title="New"))
    assert plan.settings == (
        Setting(name="hardware", before="cpu-basic", after="t4-small"),
        Setting(name="visibility", before="public", after="private"),
    )
    assert (deployed.hardware, deployed.visibility, deployed.front["title"]) == ("t4-small", "private", "New")


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"---\nsdk: gradio\n---\n", "app.py": b"x"},
        {"README.md": b"---\nsdk: docker\n---\n", "Dockerfile": b"x", "app.py": b"x"},
    ],
)
def test_a_space_of_something_else_is_left_alone(
    settings: Settings, checkout: Path, hub: SpacesHub, files: dict[str, bytes]
) -> None:
    hub.spaces[REPO] = Space()
    hub.spaces[REPO].commit(files)
    with pytest.raises(StudioError, match="holds something else") as error:
        deploy(settings, SpaceConfig(repo=REPO))
    studios.sentence(error)
    assert hub.spaces[REPO].files == files


def test_a_space_that_was_made_by_hand_and_is_empty_is_taken(
    settings: Settings, checkout: Path, hub: SpacesHub
) -> None:
    hub.spaces[REPO] = Space()
    hub.spaces[REPO].commit({".gitattributes": b"x", "README.md": b"---\nsdk: docker\n---\n"})
    plan = deploy(settings, SpaceConfig(repo=REPO))
    assert not plan.creates
    assert "app.py" in hub.spaces[REPO].files


def test_another_who_deploys_meanwhile_is_not_overwritten(
    settings: Settings, checkout: Path, deployed: Space
) -> None:
    (checkout / "app.py").write_text("app = 3\n")
    plan = space.plan_deployment(settings, SpaceConfig(repo=REPO))
    deployed.commit({**deployed.files, "theirs": b"x"})
    with pytest.raises(StudioError, match="changed by another meanwhile") as error:
        space.deploy(settings, SpaceConfig(repo=REPO), plan)
    studios.sentence(error)
    assert deployed.files["app.py"] == b"app = 1\n"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (SpaceConfig(repo="studio"), "no Space's name"),
        (SpaceConfig(repo="me/../you"), "no Space's name"),
        (SpaceConfig(repo="me/studio", bucket="data"), "no bucket's name"),
        (SpaceConfig(repo="me/studio", hardware="zero-a10g"), "ZeroGPU runs Gradio apps only"),
        (SpaceConfig(repo="me/studio", variables={"A B": "1"}), "cannot be a variable"),
        (SpaceConfig(repo="me/studio", variables={"HF_TOKEN": "x"}), "looks like a secret"),
        (SpaceConfig(repo="me/studio", variables={"X": "hf_" + "b" * 34}), "looks like a secret"),
    ],
)
def test_what_cannot_be(
    settings: Settings, checkout: Path, hub: SpacesHub, wish: SpaceConfig, said: str
) -> None:
    with pytest.raises(StudioError, match=said) as error:
        space.plan_deployment(settings, wish)
    assert "bbbb" not in studios.sentence(error)
    assert not hub.seen


def test_what_the_hub_refuses(
    settings: Settings, checkout: Path, hub: SpacesHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(wish: SpaceConfig) -> str:
        with pytest.raises(StudioError) as error:
            deploy(settings, wish)
        said = studios.sentence(error)
        assert "hf_" not in said
        return said

    assert "403" in refused(SpaceConfig(repo="you/studio"))
    hub.plan = False
    assert "PRO for a person" in refused(SpaceConfig(repo=REPO))
    hub.instead("/api/spaces/", status=503)
    assert "503" in refused(SpaceConfig(repo=REPO))
    hub.answers.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "401" in refused(SpaceConfig(repo=REPO))
    monkeypatch.delenv("HF_TOKEN")
    assert "set HF_TOKEN" in refused(SpaceConfig(repo=REPO))


def test_a_hub_that_is_not_there(settings: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = settings.model_copy(update={"hub_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(StudioError, match="cannot be reached"):
        space.plan_deployment(gone, SpaceConfig(repo=REPO))


def test_the_real_checkout_can_be_planned(settings: Settings, hub: SpacesHub) -> None:
    plan = space.plan_deployment(settings, SpaceConfig(repo=REPO))
    paths = {f.path for f in plan.uploads}
    assert {"Dockerfile", "app.py", "e2lm_core/__main__.py", "ladder/manifest.json", "README.md"} <= paths
    assert not any(path.startswith(("tests/", "docs/", ".git/")) for path in paths)
    assert max(f.bytes for f in plan.uploads) < 10_000_000
