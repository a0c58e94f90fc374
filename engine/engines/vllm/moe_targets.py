"""Makes the copy of Kimi-K2-Thinking that vllm-ascend needs: `python moe_targets.py FROM TO`.

Its guide has `quantization_config.config_groups.group_0.targets` say MoE instead of Linear in config.json. The
weights themselves are linked, not copied: they are 594 GB, and the original stays as the hub gave it.
Source: https://docs.vllm.ai/projects/ascend/en/v0.23.0/tutorials/models/Kimi-K2-Thinking.html
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def copy_with_moe_targets(original: Path, copy: Path) -> None:
    """Fills `copy` with relative links to the files of `original`, and an edited config.json.

    Raises:
        KeyError: the config has no such quantization.
        FileNotFoundError: there is no config.json in `original`.
    """
    config = json.loads((original / "config.json").read_text())
    config["quantization_config"]["config_groups"]["group_0"]["targets"] = ["MoE"]
    copy.mkdir(parents=True, exist_ok=True)
    for path in original.iterdir():
        link = copy / path.name
        if path.name != "config.json" and not link.is_symlink():
            link.symlink_to(os.path.relpath(path, copy))
    (copy / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python moe_targets.py FROM TO")
    try:
        copy_with_moe_targets(Path(sys.argv[1]), Path(sys.argv[2]))
    except FileNotFoundError:
        sys.exit(f"There is no config.json in {sys.argv[1]}; download the weights there first.")
    except KeyError as error:
        sys.exit(f"{sys.argv[1]}/config.json has no {error}: these are not the INT4 weights of Kimi-K2-Thinking.")
