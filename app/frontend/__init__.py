"""The front end: Chainlit's, patched, themed and without external requests, in a folder that Chainlit reads."""

from app.frontend.errors import FrontendError
from app.frontend.files import PageFiles
from app.frontend.policy import content_security_policy
from app.frontend.prepare import prepare

__all__ = ["FrontendError", "PageFiles", "content_security_policy", "prepare"]
