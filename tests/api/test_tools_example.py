"""The example in docs/tools.md, as it stands there: a picture is read, looked up, and the result used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from engine.config import ROOT
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


def test_a_picture_is_read_looked_up_and_the_result_is_used(
    scripted: ScriptedProduct, key: str, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "tools.md").read_text(), re.DOTALL)
    for name in ("note.png", "parcel.png"):
        (tmp_path / name).write_bytes(png(shop_sign(name)))
    after = Script(answer=["The olive oil ", "is missing."])
    scripted.engine.script = Script(
        reasoning=["It says 2041."], tool_call=("find_order", '{"number": "2041"}'), after=after
    )
    environment = {
        "PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1",
        "OPENAI_BASE_URL": f"{scripted.url}/v1", "OPENAI_API_KEY": key,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "The olive oil is missing.\n", done.stderr
    question, call, result, shown = scripted.engine.requests[-1]["messages"]
    assert question["content"][0]["type"] == "image_url"
    assert (call["reasoning"], call["tool_calls"][0]["id"]) == ("It says 2041.", result["tool_call_id"])
    assert result["role"] == "tool"
    assert "12 jars of honey" in str(result["content"])
    assert (shown["role"], shown["content"][0]["type"]) == ("user", "image_url")
