"""Errors in the format of OpenAI's API, which its clients turn into exceptions."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """A request is rejected, or can't be answered. `message` is a sentence or two with the way out, and has no secrets.

    `param` is the part of the request that it concerns, `retry_after` the seconds to wait before a retry, `allow` the
    allowed method.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        *,
        retry_after: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.allow = allow

    def body(self) -> dict[str, dict[str, str | None]]:
        """The response's JSON."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The whole response."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        if self.allow is not None:
            headers["Allow"] = self.allow
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers=headers)


async def on_api_error(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for `ApiError`."""
    if not isinstance(error, ApiError):
        raise error
    return error.response()


def bad_request(message: str, param: str | None = None, code: str = "invalid_value") -> ApiError:
    """An error in the request itself."""
    return ApiError(400, message, code, param)
