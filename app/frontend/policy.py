"""The page's Content-Security-Policy."""

import re
from pathlib import Path

from app.frontend.errors import FrontendError

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:", re.IGNORECASE)

_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    # The libraries in Chainlit's bundle insert style elements at run time, some with measured sizes, so no hash can
    # cover them. Styles can't run code, and a message can't contain any (HTML is off).
    "style-src 'self' 'unsafe-inline'",
    # No external pictures: `![](http://…)` in an answer would reveal to that host what is being read.
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


def content_security_policy(page_root: Path) -> str:
    """Returns the header's value for the front end that `prepare` put into `page_root`.

    It allows no inline script, no `eval` and no other host.

    Raises:
        FrontendError: the prepared page has an inline script, which browsers would refuse to run.
    """
    index = (page_root / "frontend" / "index.html").read_text(encoding="utf-8")
    if _INLINE_SCRIPT.search(index):
        raise FrontendError(
            f"{page_root}/frontend/index.html has an inline script: delete that folder and start again."
        )
    return "; ".join(_DIRECTIVES)
