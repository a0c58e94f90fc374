"""vLLM's own serving benchmark, run in vLLM's environment: `python -m engine.engines.vllm.bench …`.

It takes the options of `vllm bench serve`. The `vllm` command itself does not start in vLLM's CPU build
(workarounds.py, M2).
"""

from __future__ import annotations


def main() -> None:
    """Runs it with this process's arguments."""
    from vllm.benchmarks.serve import add_cli_args  # noqa: PLC0415 - only in vLLM's environment
    from vllm.benchmarks.serve import main as serve  # noqa: PLC0415
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415

    parser = FlexibleArgumentParser(prog="vllm bench serve")
    add_cli_args(parser)
    serve(parser.parse_args())


if __name__ == "__main__":
    main()
