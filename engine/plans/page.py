"""How this chat's page attaches to an engine that a plan has started by hand."""

from __future__ import annotations

from urllib.parse import urlsplit

from engine.plans.launch import LaunchPlan

KEY_FILE = "workspace/engine.key"
"""Where a launch by hand keeps the engine's key: the page needs it in another shell."""
IMAGE = "kimi-vl-chat"


def key_step(name: str) -> str:
    """Shell lines that make the engine's key once and put it into the variable `name`."""
    return "\n".join(
        (
            "# The key, in a file of yours alone and by the environment: ps must not show it",
            f"mkdir -p workspace && (umask 077 && [ -s {KEY_FILE} ] || openssl rand -hex 24 > {KEY_FILE})",
            f'export {name}="$(cat {KEY_FILE})"',
        )
    )


def is_key_step(step: str) -> bool:
    """Whether a step is the one of `key_step`."""
    return KEY_FILE in step


def attaching(plan: LaunchPlan) -> str:
    """Shell lines for the page: beside the engine, on another machine, and in a container."""
    port = urlsplit(plan.base_url).port
    key = f'"$(cat {KEY_FILE})"' if plan.key_env else "EMPTY"
    copied = [f"mkdir -p workspace && scp ENGINE-HOST:PROJECT-FOLDER/{KEY_FILE} {KEY_FILE}"] if plan.key_env else []
    settings = f"KIMI_ENGINE=openai KIMI_MODEL={plan.served_name} OPENAI_API_BASE={plan.base_url}"
    return "\n".join(
        (
            "# The page, on the same machine, in this folder and another shell",
            f"OPENAI_API_KEY={key} {settings} ./start.sh",
            "# On another machine, in its copy of this project: the engine stays behind SSH, then the same line",
            *copied,
            f"ssh -N -L {port}:127.0.0.1:{port} ENGINE-HOST &",
            "# Or in a container, on either machine",
            f"docker build --target cpu -t {IMAGE} .",
            f"OPENAI_API_KEY={key} docker run --rm --network host -v kimi-workspace:/workspace \\",
            "  -e OPENAI_API_KEY -e KIMI_HOST=127.0.0.1 \\",
            f"  {' '.join(f'-e {setting}' for setting in settings.split())} {IMAGE}",
        )
    )
