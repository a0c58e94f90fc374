"""For all tests: Chainlit, wherever it is imported, keeps its files out of the project's folder."""

from __future__ import annotations

import os
import tempfile

# Read when chainlit is imported, so set before any test module is.
os.environ["CHAINLIT_APP_ROOT"] = tempfile.mkdtemp(prefix="kimi-chainlit-")
os.environ["CHAINLIT_AUTH_SECRET"] = "a secret of the tests, long enough for HMAC"
os.environ["CHAINLIT_ENV_FILE"] = os.devnull
