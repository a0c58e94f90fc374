"""The environment of programs that need none of the user's secrets."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$|^OPENAI_|^AWS_|DATABASE_URL")


def without_secrets() -> dict[str, str]:
    """Our environment without secrets: a local engine needs none of the user's keys."""
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
