"""Nano: a test model of a few megabytes with Kimi-VL's architecture. It counts, and names the shape in a picture."""

from pathlib import Path

NAME = "nano"
"""Its name in the catalogue."""
CHECKPOINT = Path(__file__).with_name("checkpoint")
"""The folder to give to vLLM as `--model`."""
