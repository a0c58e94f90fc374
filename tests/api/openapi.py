"""The API's requests and replies as an OpenAPI description, from which schemathesis generates requests.

It describes the fields that the page checks. All others go to the engine unchanged, where
the scripted engine ignores them: what is not described here is always valid.
"""

from __future__ import annotations

from typing import Any

from tests.api.asks import data_url, png

_NAMES = ["url", "uuid", "image", "audio", "video", "embed", "file"]
_MEDIA = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in name) for name in _NAMES)
_MEDIA_NAME = f"{_MEDIA}|^[dD][aA][tT][aA]$"


def _no_media_but(name: str) -> dict[str, Any]:
    """Further fields that may hold media are null, which is as if they were not there."""
    return {f"^(?!{name}$).*({_MEDIA_NAME})": {"type": "null"}}


_ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "additionalProperties": False,
            "properties": {
                "message": {"type": "string", "minLength": 1},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
_SCHEMAS: dict[str, Any] = {
    "Error": _ERROR,
    "Url": {"enum": [data_url(png()), data_url(png(3, 500)), data_url(png(), "application/octet-stream")]},
    "Text": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["text", "refusal", "thinking", "input_text", "output_text"]}},
        "patternProperties": {_MEDIA_NAME: {"type": "null"}},
    },
    "Picture": {
        "type": "object",
        "required": ["type", "image_url"],
        "properties": {
            "type": {"const": "image_url"},
            "image_url": {
                "anyOf": [
                    {"$ref": "#/components/schemas/Url"},
                    {
                        "type": "object",
                        "required": ["url"],
                        "properties": {"url": {"$ref": "#/components/schemas/Url"}},
                        "patternProperties": _no_media_but("url"),
                    },
                ]
            },
        },
        "patternProperties": _no_media_but("image_url"),
    },
    "Message": {
        "type": "object",
        "properties": {
            "content": {
                "anyOf": [
                    {"type": ["string", "null"]},
                    {
                        "type": "array",
                        "items": {
                            "anyOf": [
                                {"type": "string"},
                                {"$ref": "#/components/schemas/Text"},
                                {"$ref": "#/components/schemas/Picture"},
                            ]
                        },
                    },
                ]
            },
        },
    },
    "Question": {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "model": {"enum": ["scripted", "", None]},
            "messages": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Message"}},
            "stream": {},
        },
    },
}


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_COMMON = {"401": _refusal("No key, or a wrong one."), "405": _refusal("Another method is meant.")}

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Kimi-VL Chat for programs", "version": "1"},
    "security": [{"key": []}],
    "paths": {
        "/v1/models": {
            "get": {
                "responses": {
                    "200": {
                        "description": "What is served.",
                        "content": {"application/json": {"schema": {"type": "object", "required": ["data"]}}},
                    },
                    **_COMMON,
                }
            }
        },
        "/v1/chat/completions": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Question"}}},
                },
                "responses": {
                    "200": {
                        "description": "The answer, whole or as a stream.",
                        "content": {
                            "application/json": {"schema": {"type": "object", "required": ["choices", "usage"]}},
                            "text/event-stream": {},
                        },
                    },
                    "400": _refusal("What is wrong with the request."),
                    "404": _refusal("No such model."),
                    **_COMMON,
                },
            }
        },
    },
    "components": {"schemas": _SCHEMAS, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
}
