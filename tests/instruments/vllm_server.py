"""The real vLLM serving nano."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.config import ROOT
from engine.engines.vllm.launch import KEY_ENV, VllmLaunch, vllm_argv, vllm_env
from engine.nano import CHECKPOINT
from tests.instruments.nano_server import KEY, MAX_MODEL_LEN, PICTURES, NanoServer


def nano_launch(python: Path, uploads: Path, port: int) -> VllmLaunch:
    """Nano on a CPU, as the product launches it."""
    return VllmLaunch(
        python=python,
        root=ROOT,
        model=CHECKPOINT,
        served_name="nano",
        uploads=uploads,
        port=port,
        accelerator="cpu",
        pictures_per_prompt=PICTURES,
        max_model_len=MAX_MODEL_LEN,
        max_num_seqs=16,
        kv_cache_bytes=128 * 2**20,
        tiny=True,
    )


class VllmServer(NanoServer):
    """One vLLM."""

    def __init__(self, python: Path, folder: Path) -> None:
        super().__init__(folder)
        self.launch = nano_launch(python, self.uploads, self.port)

    def command(self) -> Sequence[str]:
        """Its command line."""
        return vllm_argv(self.launch)

    def environment(self) -> Mapping[str, str]:
        """What its environment has beside PATH and HOME, the key included."""
        return vllm_env(self.launch) | {KEY_ENV: KEY}
