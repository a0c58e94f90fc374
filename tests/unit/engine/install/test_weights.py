"""Where weights are found, how unusable ones are reported, and a download from a fake hub."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.catalog import File, Model, find_model
from engine.install.fetching import fetch_weights
from engine.install.weights import Missing, WeightsError, find_weights

THINKING = find_model("Kimi-VL-A3B-Thinking")


def checkpoint(folder: Path, shards: int = 2, *, leave_out: int = 0) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    names = [f"model-{n}.safetensors" for n in range(shards)]
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": dict.fromkeys(names, "")}))
    for n, name in enumerate(names):
        index = {"weight_map": {f"w{i}": name for i, name in enumerate(names)}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        if n >= leave_out:
            (folder / name).write_bytes(b"x" * 10)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path


def test_a_named_folder_wins(home: Path) -> None:
    folder = checkpoint(home / "my model")
    assert find_weights(THINKING, str(folder), home / "models") == folder


def test_then_our_own_folder_then_the_hubs_cache(home: Path) -> None:
    repo = home / "hf" / "hub" / "models--moonshotai--Kimi-VL-A3B-Thinking"
    cached = checkpoint(repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    assert find_weights(THINKING, THINKING.name, home / "models") == cached
    ours = checkpoint(home / "models" / THINKING.name)
    assert find_weights(THINKING, THINKING.name, home / "models") == ours


def test_what_is_not_there_is_missing_with_the_folder_to_fill(home: Path) -> None:
    found = find_weights(THINKING, THINKING.name, home / "models")
    assert found == Missing("moonshotai/Kimi-VL-A3B-Thinking", home / "models" / "Kimi-VL-A3B-Thinking")


def test_a_half_download_is_missing_but_a_named_half_is_an_error(home: Path) -> None:
    half = checkpoint(home / "models" / THINKING.name, leave_out=1)
    assert isinstance(find_weights(THINKING, THINKING.name, home / "models"), Missing)
    with pytest.raises(WeightsError, match=r"incomplete: model-0\.safetensors is missing"):
        find_weights(THINKING, str(half), home / "models")


@pytest.mark.parametrize(("make", "said"), [(False, "not a folder"), (True, "no config.json")])
def test_a_wrong_folder_is_named(home: Path, make: bool, said: str) -> None:
    folder = home / "elsewhere"
    if make:
        folder.mkdir()
    with pytest.raises(WeightsError, match=said):
        find_weights(THINKING, str(folder), home / "models")


def test_a_snapshot_too_old_for_transformers_5_is_named_as_such(home: Path) -> None:
    folder = checkpoint(home / "old")
    (folder / "tokenization_moonshot.py").write_text(
        "from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode\n"
    )
    with pytest.raises(WeightsError, match="before January 2026"):
        find_weights(THINKING, str(folder), home / "models")


class Hub(ThreadingHTTPServer):
    """A fake Hugging Face with one small model; records which ranges of its weights were requested."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files = {"config.json": b"{}", "model.safetensors": os.urandom(300_000)}
        self.sizes_told = {name: len(data) for name, data in self.files.items()}
        self.ranges: list[str] = []
        self.fetched: list[str] = []
        self.revisions: set[str] = set()


class HubHandler(BaseHTTPRequestHandler):
    server: Hub
    commit = "1" * 40

    def do_HEAD(self) -> None:
        self.reply(body=False)

    def do_GET(self) -> None:
        self.reply(body=True)

    def reply(self, body: bool) -> None:
        if self.path.startswith("/api/models/moonshotai/Kimi-VL-A3B-Thinking/tree/"):
            self.json(
                [
                    {"type": "file", "path": name, "size": size, "oid": "a" * 40}
                    for name, size in self.server.sizes_told.items()
                ]
            )
        elif self.path.startswith("/api/models/moonshotai/Kimi-VL-A3B-Thinking"):
            siblings = [{"rfilename": name, "size": size} for name, size in self.server.sizes_told.items()]
            self.json({"id": "moonshotai/Kimi-VL-A3B-Thinking", "sha": self.commit, "siblings": siblings})
        elif "/resolve/" in self.path:
            self.server.revisions.add(self.path.split("/resolve/")[1].split("/")[0])
            self.file(self.path.rsplit("/", 1)[1], body)
        else:
            self.send_error(404)

    def json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def file(self, name: str, body: bool) -> None:
        data = self.server.files[name]
        begin = 0
        if (asked := self.headers.get("Range")) and body:
            self.server.ranges.append(f"{name} {asked}")
            begin = int(asked.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{name}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.send_header("Content-Length", str(len(data) - begin))
        self.send_header("Accept-Ranges", "bytes")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body:
            self.server.fetched.append(name)
            self.wfile.write(data[begin:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    yield server
    server.shutdown()
    server.server_close()


async def test_a_download_reports_its_progress_and_a_second_one_fetches_nothing(home: Path, hub: Hub) -> None:
    missing = Missing("moonshotai/Kimi-VL-A3B-Thinking", home / "models" / "Kimi-VL-A3B-Thinking")
    told: list[tuple[str, float | None]] = []
    folder = await fetch_weights(missing, "huggingface", lambda phase, percent: told.append((phase, percent)))
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert told[0] == ("downloading", None)
    assert find_weights(THINKING, THINKING.name, home / "models") == folder
    hub.fetched.clear()
    await fetch_weights(missing, "huggingface", lambda *_: None)
    assert hub.fetched == []


async def test_a_disk_that_is_too_small_is_reported_before_the_download(home: Path, hub: Hub) -> None:
    hub.sizes_told["model.safetensors"] = 10**15
    missing = Missing("moonshotai/Kimi-VL-A3B-Thinking", home / "models" / "m")
    with pytest.raises(WeightsError, match=r"need 10000\d\d\.\d GB of disk and .* KIMI_MODELS"):
        await fetch_weights(missing, "huggingface", lambda *_: None)
    assert hub.fetched == []


async def test_an_unknown_model_and_a_hub_out_of_reach_say_what_to_do(
    home: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = Missing("moonshotai/Kimi-VL-9000", home / "models" / "m")
    with pytest.raises(WeightsError, match="knows no model moonshotai/Kimi-VL-9000"):
        await fetch_weights(unknown, "huggingface", lambda *_: None)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    missing = Missing("moonshotai/Kimi-VL-A3B-Thinking", home / "models" / "m")
    with pytest.raises(WeightsError, match=r"can't be reached .* put the files of .*/models/m.* KIMI_HUB=modelscope"):
        await fetch_weights(missing, "huggingface", lambda *_: None)


def form_of(files: dict[str, bytes]) -> Model:
    """A model with a variant that is these files of a commit."""
    model_file, mmproj_file = (
        File(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()) for name, data in files.items()
    )
    gguf = find_model("Kimi-VL-A3B-Thinking-2506").variant("gguf")
    assert gguf is not None
    changes = {
        "repository": THINKING.repository, "revision": "2" * 40, "model_file": model_file, "mmproj_file": mmproj_file,
    }  # fmt: skip
    return THINKING.model_copy(update={"variants": (gguf.model_copy(update=changes),)})


FILES = {"model.gguf": os.urandom(200_000), "mmproj.gguf": os.urandom(100_000)}


async def test_of_a_variant_only_its_files_are_fetched_of_the_pinned_commit(home: Path, hub: Hub) -> None:
    hub.files |= FILES
    hub.sizes_told = {name: len(data) for name, data in hub.files.items()} | {"another-quantization.gguf": 10**15}
    model = form_of(FILES)
    missing = find_weights(model, model.name, home / "models", "gguf")
    assert isinstance(missing, Missing)
    assert missing.folder == home / "models" / "Kimi-VL-A3B-Thinking-gguf"
    folder = await fetch_weights(missing, "huggingface", lambda *_: None)
    assert set(hub.fetched) == set(FILES)
    assert hub.revisions == {"2" * 40}
    assert find_weights(model, model.name, home / "models", "gguf") == folder


async def test_a_file_with_other_content_is_deleted_and_named(home: Path, hub: Hub) -> None:
    hub.files |= {**FILES, "mmproj.gguf": FILES["mmproj.gguf"][::-1]}
    hub.sizes_told = {name: len(data) for name, data in hub.files.items()}
    model = form_of(FILES)
    missing = find_weights(model, model.name, home / "models", "gguf")
    assert isinstance(missing, Missing)
    with pytest.raises(WeightsError, match=r"mmproj\.gguf came from huggingface\.co with other content"):
        await fetch_weights(missing, "huggingface", lambda *_: None)
    assert not (missing.folder / "mmproj.gguf").exists()
    assert (missing.folder / "model.gguf").exists()


def test_a_variants_files_are_found_in_a_named_folder_and_in_the_hubs_cache(home: Path) -> None:
    model = form_of(FILES)
    repo = home / "hf" / "hub" / "models--moonshotai--Kimi-VL-A3B-Thinking"
    cached, named = repo / "snapshots" / "abc", home / "named"
    for folder in (cached, named):
        folder.mkdir(parents=True)
        for name, data in FILES.items():
            (folder / name).write_bytes(data)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    assert find_weights(model, model.name, home / "models", "gguf") == cached
    assert find_weights(model, str(named), home / "models", "gguf") == named
    (named / "mmproj.gguf").write_bytes(b"half")
    with pytest.raises(WeightsError, match=r"is incomplete: mmproj\.gguf is missing"):
        find_weights(model, str(named), home / "models", "gguf")
