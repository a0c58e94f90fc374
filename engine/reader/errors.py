"""What the reader answers when it cannot do what was asked: vLLM's status codes and its JSON shape."""

from __future__ import annotations

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_TYPES = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 503: "ServiceUnavailableError"}


class ApiError(Exception):
    """A request that is refused: `status` is the HTTP status, `param` the part of the request that is at fault."""

    def __init__(self, message: str, status: int = 400, param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.param = message, status, param

    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        kind = _TYPES.get(self.status, "InternalServerError" if self.status >= 500 else "BadRequestError")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.status}}


def response(error: ApiError) -> JSONResponse:
    """The answer that says it."""
    return JSONResponse(error.body(), status_code=error.status)


async def on_api_error(_: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler of ApiError."""
    assert isinstance(error, ApiError)
    return response(error)


async def on_http_error(_: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler of unknown paths and methods."""
    assert isinstance(error, HTTPException)
    return response(ApiError(error.detail, error.status_code))


async def on_invalid(_: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler of a body that does not fit: all that is wrong in one sentence, the first place as `param`."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(str(part) for part in e["loc"][1:]), e["msg"]) for e in error.errors()]
    message = "; ".join(f"{place}: {what}" if place else what for place, what in found)
    return response(ApiError(message, 400, found[0][0] or None))
