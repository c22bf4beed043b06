"""A hub on this machine: the parts of its protocol that huggingface_hub's client uses, and its failures.

Repositories are dictionaries of path → bytes at a commit. Weights are "large files": asking for one answers
with its length and sha256 and redirects to another origin, as the real hub does.
"""

from __future__ import annotations

import functools
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from safetensors.numpy import save

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 3,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"<s>": 0, "a": 1, "b": 2}, "unk_token": "<s>"},
}
Files = dict[str, bytes]
_PIECE = 2**16  # of an answer that takes its time


def tensors(seed: int) -> dict[str, np.ndarray]:
    """A one-layer Llama's weights without lm_head, which is tied to the embedding."""
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens.weight": (3, 8),
        "model.norm.weight": (8,),
        f"{layer}input_layernorm.weight": (8,),
        f"{layer}post_attention_layernorm.weight": (8,),
        **{f"{layer}self_attn.{p}_proj.weight": (8, 8) for p in "qkvo"},
        f"{layer}mlp.gate_proj.weight": (16, 8),
        f"{layer}mlp.up_proj.weight": (16, 8),
        f"{layer}mlp.down_proj.weight": (8, 16),
    }
    draw = np.random.default_rng(seed)
    return {name: draw.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def weights(seed: int) -> bytes:
    return save(tensors(seed), metadata={"format": "pt"})


def small_files() -> Files:
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": json.dumps(TOKENIZER).encode(),
        "tokenizer_config.json": b'{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"}',
    }


def checkpoint(seed: int) -> Files:
    """What a whole checkpoint's folder or branch holds, and a README and pickled weights that nobody wants."""
    return {
        **small_files(),
        "model.safetensors": weights(seed),
        "README.md": b"# A model",
        "pytorch_model.bin": b"pickled",
    }


def sharded(seed: int) -> Files:
    names = list(tensors(seed))
    shards = {"model-00001-of-00002.safetensors": names[:5], "model-00002-of-00002.safetensors": names[5:]}
    files = {
        shard: save({n: tensors(seed)[n] for n in held}, metadata={"format": "pt"})
        for shard, held in shards.items()
    }
    index = {"metadata": {}, "weight_map": {n: shard for shard, held in shards.items() for n in held}}
    return {**small_files(), **files, "model.safetensors.index.json": json.dumps(index).encode()}


def under(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}


@functools.cache
def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@functools.cache
def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str) -> bool:
    return path.endswith((".safetensors", ".bin", ".parquet"))


@dataclass
class Repo:
    refs: dict[str, str] = field(default_factory=dict)  # branch → commit
    commits: dict[str, Files] = field(default_factory=dict)
    token: str | None = None
    gated_for: str | None = None  # everybody sees the listing, and this token alone the files

    def commit(self, branch: str, files: Files) -> str:
        told = json.dumps([branch, len(self.commits), sorted(map(git_sha1, files.values()))])
        commit = hashlib.sha1(told.encode()).hexdigest()
        self.refs[branch] = commit
        self.commits[commit] = files
        return commit


@dataclass
class Answer:
    """What is answered `times` times in place of the truth to a request whose path contains `path`."""

    path: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 10**6
    method: str | None = None
    cut_at: int | None = None  # the connection breaks after so many bytes
    short_at: int | None = None  # the file ends after so many bytes
    flip: bool = False  # one byte is another


class FakeHub:
    """Use as a context manager; `endpoint` is its address, `seen` the requests as (method, path, headers)."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.answers: list[Answer] = []
        self.seen: list[tuple[str, str, Mapping[str, str]]] = []
        self.bytes_a_second: float | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def handler(self) -> type[Any]:
        """What answers a request; a hub that can do more extends it."""
        return _handler(self)

    def repo(self, name: str) -> Repo:
        return self.repos.setdefault(name, Repo())

    def instead(self, path: str, **answer: Any) -> None:
        self.answers.append(Answer(path, **answer))

    def fetched(self) -> list[str]:
        """The storage's files that were asked for, in order."""
        return [path for method, path, _ in self.seen if method == "GET" and path.startswith("/storage/")]

    def _planned(self, method: str, path: str) -> Answer | None:
        for answer in self.answers:
            if answer.path in path and answer.method in (None, method) and answer.times > 0:
                answer.times -= 1
                return answer
        return None


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together, or each answer waits for an acknowledgement
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.seen.append((self.command, path, dict(self.headers.items())))
            planned = hub._planned(self.command, path)
            if planned is not None and planned.status != 200:
                self._send(planned.status, b"", planned.headers)
            elif path.startswith("/storage/"):
                self._storage(path.removeprefix("/storage/"), planned)
            elif path.startswith(("/api/models/", "/api/datasets/")):
                kind, _, rest = path.removeprefix("/api/").partition("/")
                self._api(rest, "datasets/" if kind == "datasets" else "")
            elif "/resolve/" in path:  # a data set's name begins with datasets/
                repo, _, rest = path.lstrip("/").partition("/resolve/")
                self._resolve(repo, *rest.split("/", 1))
            else:
                self._send(404, b"", {})

        def _open(self, name: str) -> Repo | None:
            repo = hub.repos.get(name)
            if repo is None:  # the real hub does not tell a stranger whether a repository is there
                self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
            elif repo.token is not None and self.headers.get("Authorization") != f"Bearer {repo.token}":
                self._send(401, b"", {"X-Error-Message": "Invalid username or password."})
            else:
                return repo
            return None

        def _may_read(self, repo: Repo) -> bool:
            if repo.gated_for and self.headers.get("Authorization") != f"Bearer {repo.gated_for}":
                self._send(403, b"", {"X-Error-Code": "GatedRepo"})
                return False
            return True

        def _api(self, rest: str, prefix: str = "") -> None:
            parts = rest.split("/")
            repo = self._open(prefix + "/".join(parts[:2]))
            if repo is None:
                return
            if parts[2:] == ["auth-check"]:
                if self._may_read(repo):
                    self._json({})
                return
            if parts[2:] == ["refs"]:
                listed = [
                    {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit}
                    for name, commit in repo.refs.items()
                ]
                self._json({"branches": listed, "converts": [], "tags": []})
                return
            revision = "/".join(parts[3:]) if parts[2:3] == ["revision"] else "main"
            commit = repo.refs.get(revision, revision)
            files = repo.commits.get(commit)
            if files is None:
                self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
                return
            self._json(
                {
                    "id": "/".join(parts[:2]),
                    "sha": commit,
                    "gated": "auto" if repo.gated_for else False,
                    "siblings": [_sibling(path, content) for path, content in files.items()],
                }
            )

        def _resolve(self, name: str, revision: str, path: str) -> None:
            repo = self._open(name)
            if repo is None or not self._may_read(repo):
                return
            commit = repo.refs.get(revision, revision)
            files = repo.commits.get(commit)
            if files is None:
                self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            elif path not in files:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            elif is_large(path):
                digest = sha256(files[path])
                headers = {
                    "Location": f"http://localhost:{hub.port}/storage/{digest}",
                    "X-Repo-Commit": commit,
                    "X-Linked-Etag": f'"{digest}"',
                    "X-Linked-Size": str(len(files[path])),
                    "ETag": '"of the redirect"',
                }
                self._send(302, b"", headers)
            else:
                headers = {"X-Repo-Commit": commit, "ETag": f'"{git_sha1(files[path])}"'}
                self._send(200, files[path], headers)

        def _storage(self, digest: str, planned: Answer | None) -> None:
            everything = {
                sha256(content): content
                for repo in hub.repos.values()
                for files in repo.commits.values()
                for content in files.values()
            }
            content = everything[digest]
            if planned is not None and planned.flip:
                content = content[:-1] + bytes([content[-1] ^ 1])
            if planned is not None and planned.short_at is not None:
                content = content[: planned.short_at]
            asked = self.headers.get("Range", "")
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            if start and start >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            cut = planned.cut_at if planned is not None else None
            self._send(206 if start else 200, content[start:], span, cut)

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(
            self, status: int, body: bytes, headers: Mapping[str, str], cut_at: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD" and not hub.bytes_a_second:
                self.wfile.write(body[:cut_at])
            elif self.command != "HEAD":
                for start in range(0, len(body[:cut_at]), _PIECE):
                    self.wfile.write(
                        body[start : start + _PIECE][: None if cut_at is None else cut_at - start]
                    )
                    self.wfile.flush()
                    time.sleep(_PIECE / hub.bytes_a_second)
            if cut_at is not None:
                self.close_connection = True

    return Handler


def _sibling(path: str, content: bytes) -> dict[str, object]:
    large = {"size": len(content), "sha256": sha256(content), "pointerSize": 130}
    return {
        "rfilename": path,
        "size": len(content),
        "blobId": git_sha1(content),
        **({"lfs": large} if is_large(path) else {}),
    }
