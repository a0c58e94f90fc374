"""Serves the prepared front end: Chainlit's own routes compress and send every file again at every page view."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

PACKED = ".gz"
"""The suffix of a file that `prepare` has compressed."""


class PageFiles(StaticFiles):
    """A folder of files that browsers cache and revalidate each time, so that an upgrade takes effect at once."""

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, or its compressed copy if there is one and the browser accepts it."""
        packed = Path(f"{os.fspath(full_path)}{PACKED}")
        takes_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if takes_packed and packed.is_file():
            response = super().file_response(packed, packed.stat(), scope, status_code)
            if response.status_code != 304:
                response.headers["content-encoding"] = "gzip"
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        response.headers["vary"] = "accept-encoding"
        return response
