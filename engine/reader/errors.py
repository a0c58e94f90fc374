"""Errors in vLLM 0.32's format: `{"error": {"message", "type", "param", "code"}}` with the HTTP status as code."""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from engine.reader import metrics

_TYPES = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 503: "ServiceUnavailableError"}


class ReaderError(Exception):
    """A request can't be answered: one sentence for the user, the HTTP status, and the parameter at fault."""

    def __init__(self, message: str, status: int = 400, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param

    def body(self) -> dict[str, object]:
        """Returns the JSON body that vLLM would send."""
        kind = _TYPES.get(self.status, "InternalServerError" if self.status >= 500 else "BadRequestError")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.status}}

    def response(self) -> JSONResponse:
        """Returns the HTTP response, and counts it."""
        metrics.ERRORS.inc()
        return JSONResponse(self.body(), status_code=self.status)


async def on_reader_error(_: Request, error: Exception) -> JSONResponse:
    """Answers a `ReaderError` raised in a route."""
    assert isinstance(error, ReaderError)
    return error.response()


async def on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    """Answers a body that does not fit the schema with vLLM's status 400 instead of FastAPI's 422."""
    assert isinstance(error, RequestValidationError)
    found = [(".".join(str(part) for part in e["loc"] if part != "body"), e["msg"]) for e in error.errors()]
    message = "; ".join(f"{place}: {what}" if place else what for place, what in found)
    return ReaderError(message, param=found[0][0] or None).response()


async def on_http_error(_: Request, error: Exception) -> JSONResponse:
    """Answers an unknown path or method."""
    assert isinstance(error, HTTPException)
    return ReaderError(str(error.detail), error.status_code).response()


async def on_any_error(_: Request, error: Exception) -> JSONResponse:
    """Answers an unexpected error; the log has the details."""
    return ReaderError(f"The reader failed on this request: {type(error).__name__}; see its log.", 500).response()
