"""A hub on this machine that has Spaces and buckets: made, set, committed to, as huggingface_hub's client asks it.

Its answers have the real ones' shapes: 401 for a token that is wrong, 403 for another's namespace, 402 without a plan,
404 for what is not there, 412 for a commit upon another than the last.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.support.fake_hub import FakeHub, Files, git_sha1

TOKEN = "hf_" + "a" * 12
LARGE = (".xz", ".woff2", ".bin", ".png")


@dataclass
class Space:
    """A Space: its files, its runtime's settings, and the commits it has had."""

    files: Files = field(default_factory=dict)
    visibility: str = "public"
    hardware: str = "cpu-basic"
    variables: dict[str, str] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)

    def commit(self, files: Files) -> str:
        self.files = files
        told = json.dumps([len(self.commits), sorted((n, git_sha1(c)) for n, c in files.items())])
        self.commits.append(hashlib.sha1(told.encode()).hexdigest())
        return self.commits[-1]

    @property
    def front(self) -> dict[str, Any]:
        """The front matter of its README."""
        text = self.files.get("README.md", b"").decode()
        return yaml.safe_load(text.split("---")[1]) if text.startswith("---") else {}


class SpacesHub(FakeHub):
    """`spaces` and `buckets` by name; `me` is the one whose token is right, `plan` whether they have paid.

    `writes_to` are the organisations whose Spaces they may write.
    """

    def __init__(self) -> None:
        self.spaces: dict[str, Space] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, bytes] = {}
        self.me, self.plan, self.writes_to = "me", True, ["our-org"]
        super().__init__()

    def handler(self) -> type[Any]:
        hub = self

        class Handler(super().handler()):  # type: ignore[misc]
            def do_POST(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def do_DELETE(self) -> None:
                self._serve()

            def _serve(self) -> None:
                path = self.path.partition("?")[0]
                ours = (
                    "/api/spaces/",
                    "/api/repos/",
                    "/api/buckets/",
                    "/api/validate-yaml",
                    "/api/whoami-v2",
                    "/spaces/",
                    "/up/",
                )
                if not path.startswith(ours):
                    super()._serve()
                    return
                body = self._body()
                hub.seen.append((self.command, path, dict(self.headers.items())))
                if path.startswith("/up/"):
                    hub.stored[hashlib.sha256(body).hexdigest()] = body
                    self._send(200, b"", {})
                    return
                planned = hub._planned(self.command, path)
                if planned is not None:
                    self._send(planned.status, b"", planned.headers)
                elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    self._send(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
                else:
                    self._answer(path, body)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    parts = []
                    while size := int(self.rfile.readline(), 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _answer(self, path: str, body: bytes) -> None:
                if path == "/api/whoami-v2":
                    organisations = [{"type": "org", "name": name} for name in hub.writes_to]
                    self._json({"type": "user", "name": hub.me, "orgs": organisations})
                elif path == "/api/validate-yaml":
                    self._json({"errors": [], "warnings": []})
                elif path == "/api/repos/create":
                    self._create(json.loads(body))
                elif path.startswith("/api/buckets/"):
                    self._bucket(path.removeprefix("/api/buckets/"))
                elif path.startswith("/spaces/"):
                    objects = json.loads(body)["objects"]
                    self._json({"transfer": "basic", "objects": [self._room(o) for o in objects]})
                else:
                    owner, name, *rest = path.removeprefix("/api/spaces/").split("/")
                    space = hub.spaces.get(f"{owner}/{name}")
                    if space is None:
                        self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
                    elif self.command != "GET" and owner not in (hub.me, *hub.writes_to):
                        self._send(403, b"", {})
                    else:
                        self._space(f"{owner}/{name}", space, rest, body)

            def _create(self, asked: dict[str, Any]) -> None:
                name = f"{asked['organization'] or hub.me}/{asked['name']}"
                if name.split("/")[0] not in (hub.me, *hub.writes_to):
                    self._send(403, b"", {})
                elif not hub.plan:
                    self._send(402, b"", {})
                elif name in hub.spaces:
                    self._send(409, b"", {})
                else:
                    assert (asked["type"], asked["sdk"]) == ("space", "docker")
                    made = hub.spaces[name] = Space(
                        visibility=asked.get("visibility", "public"),
                        hardware=asked.get("hardware", "cpu-basic"),
                        variables={v["key"]: v["value"] for v in asked.get("variables", [])},
                        volumes=asked.get("volumes", []),
                    )
                    made.commit(
                        {".gitattributes": b"*.bin filter=lfs\n", "README.md": b"---\nsdk: docker\n---\n"}
                    )
                    self._json({"url": f"{hub.endpoint}/spaces/{name}"})

            def _bucket(self, name: str) -> None:
                if self.command == "POST" and name not in hub.buckets:
                    hub.buckets[name] = {
                        "id": name, "private": True, "createdAt": "2026-01-01T00:00:00.000Z", "size": 0, "totalFiles": 0,
                    }  # fmt: skip
                    self._json({"url": f"{hub.endpoint}/buckets/{name}"})
                elif self.command == "GET" and name in hub.buckets:
                    self._json(hub.buckets[name])
                else:
                    self._send(409 if self.command == "POST" else 404, b"", {})

            def _room(self, asked: dict[str, Any]) -> dict[str, Any]:
                if asked["oid"] in hub.stored:
                    return asked
                return {**asked, "actions": {"upload": {"href": f"{hub.endpoint}/up/{asked['oid']}"}}}

            def _space(self, name: str, space: Space, rest: list[str], body: bytes) -> None:
                asked = json.loads(body) if body and rest[0] != "commit" else {}
                match (self.command, *rest):
                    case ("GET",):
                        self._json(_info(name, space))
                    case ("GET", "variables"):
                        self._json(
                            {key: {"key": key, "value": value} for key, value in space.variables.items()}
                        )
                    case ("POST", "variables"):
                        space.variables[asked["key"]] = asked["value"]
                        self._json({})
                    case ("GET", "runtime"):
                        self._json(_runtime(space))
                    case ("POST", "hardware"):
                        space.hardware = asked["flavor"]
                        self._json(_runtime(space))
                    case ("PUT", "volumes"):
                        space.volumes = asked["volumes"]
                        self._json({})
                    case ("PUT", "settings"):
                        space.visibility = asked["visibility"]
                        self._json({})
                    case ("POST", "preupload", "main"):
                        self._json({"files": [_mode(space, file) for file in asked["files"]]})
                    case ("POST", "commit", "main"):
                        self._commit(name, space, [json.loads(line) for line in body.splitlines()])
                    case _:
                        self._send(404, b"", {})

            def _commit(self, name: str, space: Space, lines: list[dict[str, Any]]) -> None:
                parent = lines[0]["value"].get("parentCommit")
                if parent is not None and parent != space.commits[-1]:
                    self._send(412, b"", {})
                    return
                files = dict(space.files)
                for line in lines[1:]:
                    value = line["value"]
                    if line["key"] == "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    elif line["key"] == "lfsFile":
                        files[value["path"]] = hub.stored[value["oid"]]
                    else:
                        assert line["key"] == "deletedFile"
                        del files[value["path"]]
                oid = space.commit(files)
                url = f"{hub.endpoint}/spaces/{name}/commit/{oid}"
                self._json({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

        return Handler


def _info(name: str, space: Space) -> dict[str, Any]:
    return {
        "id": name,
        "sha": space.commits[-1],
        "private": space.visibility == "private",
        "sdk": space.front.get("sdk"),
        "cardData": space.front,
        "tags": [],
        "siblings": [
            {
                "rfilename": path,
                "size": len(content),
                "blobId": git_sha1(content) if not path.endswith(LARGE) else "0" * 40,
                **(
                    {
                        "lfs": {
                            "size": len(content),
                            "sha256": hashlib.sha256(content).hexdigest(),
                            "pointerSize": 130,
                        }
                    }
                    if path.endswith(LARGE)
                    else {}
                ),
            }
            for path, content in space.files.items()
        ],
    }


def _runtime(space: Space) -> dict[str, Any]:
    hardware = {"current": space.hardware, "requested": space.hardware}
    return {"stage": "RUNNING", "hardware": hardware, "gcTimeout": 172800, "volumes": space.volumes}


def _mode(space: Space, file: dict[str, Any]) -> dict[str, Any]:
    mode = "lfs" if file["path"].endswith(LARGE) else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}
