"""Ascend's NPUs, from npu-smi. We know no form in which it reports how busy they are."""

from __future__ import annotations

import itertools
import re

from engine.machine.vendor import Accelerator, Vendor, no_meter, output_of


def parse_npu_smi(info: str) -> tuple[Accelerator, ...]:
    """The devices in the output of `npu-smi info`: two lines per chip, with its name, and with its HBM in MB.

    Atlas A2 names its chips (`910B3`). Atlas A3 prints `Ascend910`, and two chips with two lines each for every NPU.
    """
    found = []
    version = re.search(r"Version:\s*(\S+)", info)
    rows = [line for line in info.splitlines() if line.startswith("|")]
    for first, second in itertools.pairwise(rows):
        name = re.match(r"\|\s*\d+\s+(?:Ascend)?(9\d\d\S*|310\S*)\s*\|", first)
        memory = re.search(r"(\d+)\s*/\s*(\d+)\s*\|\s*$", second)
        if name:
            used, total = (int(memory[1]), int(memory[2])) if memory and int(memory[2]) else (None, None)
            found.append(
                Accelerator(
                    vendor="ascend",
                    name=f"Ascend {name[1]}",
                    memory=None if total is None else total * 1024**2,
                    free=None if total is None or used is None else (total - used) * 1024**2,
                    generation="Ascend910" if name[1] == "910" else name[1],
                    driver=version[1] if version else None,
                )
            )
    return tuple(found)


def detect(notes: list[str]) -> tuple[Accelerator, ...]:
    """Ascend's devices here; adds what could not be read to `notes`."""
    output = output_of("npu-smi", "info")
    found = parse_npu_smi(output) if output else ()
    if output and not found:
        notes.append("npu-smi lists no chip that this program knows.")
    return found


def _family(chip: str) -> str:
    # Atlas A2 has chips of the 910B series; on A3 the tool prints Ascend910, and two chips per device.
    return "A2" if chip.startswith("910B") else "A3" if chip == "Ascend910" else chip


ASCEND = Vendor(
    "ascend",
    detect,
    no_meter,
    family=_family,
    makers=("huawei", "ascend"),
    network_interface="HCCL_SOCKET_IFNAME",
    network=(
        'export GLOO_SOCKET_IFNAME="$HCCL_SOCKET_IFNAME" TP_SOCKET_IFNAME="$HCCL_SOCKET_IFNAME"',
        'HCCL_IF_IP="$(ip -4 -o addr show "$HCCL_SOCKET_IFNAME" | awk \'{ sub("/.*", "", $4); print $4; exit }\')"',
        "export HCCL_IF_IP  # this node's own address",
    ),
    vllm_title="Ascend",
    vllm_plugin="vllm-ascend",
)
