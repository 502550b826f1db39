"""The description of the server as OpenAPI 3.1, for programs that make clients and tests of it."""

from __future__ import annotations

from typing import Any

from zerolite import _native
from zerolite.serving import errors
from zerolite.serving.datatypes import DATATYPES

__all__ = ["openapi_document"]

_ALWAYS = (errors.UnauthorizedError, errors.UnknownModelError, errors.UnavailableError, errors.RequestError)
_WITH_A_BODY = (errors.InvalidRequestError, errors.TooSlowError, errors.TooLargeError, errors.UnsupportedEncodingError)
_JSON = "application/json"
_HTML = "text/html"
_BINARY = "application/octet-stream"
_HEADER_LENGTH = "Inference-Header-Content-Length"


def openapi_document(*, token: bool) -> dict[str, Any]:
    """The description of every path.

    Args:
        token: whether the server asks for a bearer token.
    """
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "zerolite",
            "version": _native.__version__,
            "description": "Models over the Open Inference Protocol (KServe v2).",
        },
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }
    if token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in ("/v2/health/live", "/v2/health/ready"):
            document["paths"][path]["get"]["security"] = []
    return document


def _paths() -> dict[str, Any]:
    model = "/v2/models/{model}"
    paths: dict[str, Any] = {
        "/": _page(),
        "/metrics": {"get": _operation("The figures, for Prometheus.", content="text/plain", may_fail=_ALWAYS)},
        "/openapi.json": {"get": _operation("This description.", schema={"type": "object"}, may_fail=_ALWAYS)},
        "/v2": {"get": _operation("The server.", schema=_ref("ServerMetadata"), may_fail=_ALWAYS)},
        "/v2/health/live": {"get": _operation("Whether the server lives.", schema=_ref("Live"), may_fail=_ALWAYS)},
        "/v2/health/ready": {"get": _ready()},
        "/v2/repository/index": {
            "post": _operation(
                "All versions of all models.",
                schema={"type": "array", "items": _ref("ModelState")},
                body=_ref("IndexRequest"),
                may_fail=(*_ALWAYS, *_WITH_A_BODY),
            )
        },
    }
    for base in (model, f"{model}/versions/{{version}}"):
        parameters = [_path_parameter("model"), *([_path_parameter("version")] if base != model else [])]
        paths[base] = {
            "parameters": parameters,
            "get": _operation("What a model takes and gives.", schema=_ref("ModelMetadata"), may_fail=_ALWAYS),
        }
        paths[f"{base}/ready"] = {
            "parameters": parameters,
            "get": _operation("Whether a model is loaded.", schema=_ref("ModelReady"), may_fail=_ALWAYS),
        }
        paths[f"{base}/infer"] = {"parameters": parameters, "post": _infer()}
    for change in ("load", "unload"):
        paths[f"/v2/repository/models/{{model}}/{change}"] = {
            "parameters": [_path_parameter("model")],
            "post": _operation(
                f"{change.capitalize()} a model, where the server lets its clients do that.",
                schema={"type": "object"},
                body={"type": "object"},
                may_fail=(*_ALWAYS, *_WITH_A_BODY, errors.ForbiddenError),
            ),
        }
    paths |= _shared_memory_paths()
    return paths


def _shared_memory_paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    may_fail = (*_ALWAYS, errors.ForbiddenError)
    region = "/v2/systemsharedmemory/region/{region}"
    for base in ("/v2/systemsharedmemory", region):
        parameters = [_path_parameter("region")] if base == region else []
        status = _operation(
            "What clients have registered of shared memory.",
            schema={"type": "array", "items": _ref("Region")},
            may_fail=may_fail,
        )
        unregister = _operation(
            "End the use of shared memory.",
            schema={"type": "object"},
            body={"type": "object"},
            may_fail=(*may_fail, *_WITH_A_BODY),
        )
        paths[f"{base}/status"] = {"parameters": parameters, "get": status}
        paths[f"{base}/unregister"] = {"parameters": parameters, "post": unregister}
    register = _operation(
        "Let requests have tensors in a region of shared memory, where the server allows that.",
        schema={"type": "object"},
        body=_ref("RegionRequest"),
        may_fail=(*may_fail, *_WITH_A_BODY),
    )
    paths[f"{region}/register"] = {"parameters": [_path_parameter("region")], "post": register}
    return paths


def _operation(
    summary: str,
    *,
    may_fail: tuple[type[errors.RequestError], ...],
    content: str = _JSON,
    schema: dict[str, Any] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    kind = {"schema": schema or {"type": "string"}}
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "It is so.", "content": {content: kind}}, **_refusals(may_fail)},
    }
    if body is not None:
        operation["requestBody"] = {"required": False, "content": {_JSON: {"schema": body}}}
    return operation


def _refusals(kinds: tuple[type[errors.RequestError], ...]) -> dict[str, Any]:
    by_status = sorted({kind.status: kind for kind in kinds}.items())
    return {
        str(status): {
            "description": (kind.__doc__ or "").partition("\n")[0],
            "content": {_JSON: {"schema": _ref("Error")}},
        }
        for status, kind in by_status
    }


def _page() -> dict[str, Any]:
    form = {
        kind: {"schema": {"type": "object"}} for kind in ("multipart/form-data", "application/x-www-form-urlencoded")
    }
    model = {"name": "model", "in": "query", "schema": {"type": "string"}}
    page: dict[str, Any] = {"parameters": [model]}
    for method, summary in (("get", "The page."), ("post", "The page with the outputs for what is in its form.")):
        page[method] = _operation(summary, content=_HTML, may_fail=())
        described = {"description": "The page says why not.", "content": {_HTML: {"schema": {"type": "string"}}}}
        page[method]["responses"]["default"] = described
    page["post"]["requestBody"] = {"content": form}
    return page


def _ready() -> dict[str, Any]:
    operation = _operation("Whether requests are welcome.", schema=_ref("Ready"), may_fail=(errors.RequestError,))
    content = {_JSON: {"schema": _ref("Ready")}}
    operation["responses"]["503"] = {"description": "They are not: the server is about to end.", "content": content}
    return operation


def _infer() -> dict[str, Any]:
    operation = _operation(
        "Run a model.",
        schema=_ref("InferenceResponse"),
        body=_ref("InferenceRequest"),
        may_fail=(*_ALWAYS, *_WITH_A_BODY, errors.OverloadError, errors.DeadlineError),
    )
    binary = {"schema": {"type": "string", "format": "binary"}}
    operation["requestBody"] = {
        "required": True,
        "content": {_JSON: {"schema": _ref("InferenceRequest")}, _BINARY: binary},
    }
    operation["parameters"] = [
        {
            "name": _HEADER_LENGTH,
            "in": "header",
            "description": "The bytes of JSON, before binary data.",
            "schema": {"type": "integer", "minimum": 0},
        }
    ]
    operation["responses"]["200"]["content"][_BINARY] = binary
    retry = {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}
    operation["responses"]["429"]["headers"] = {"Retry-After": retry}
    return operation


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _schemas() -> dict[str, Any]:
    text, truth, number = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
    parameters = {"type": "object"}
    sizes = {"type": "array", "items": number}
    datatype = {"type": "string", "enum": sorted(DATATYPES.values())}
    tensor = _object("name datatype shape", name=text, datatype=datatype, shape=sizes)
    tensors = {"type": "array", "items": tensor}
    data = {"type": "array"}
    given = _object("name datatype shape", name=text, datatype=datatype, shape=sizes, parameters=parameters, data=data)
    wanted = _object("name", name=text, parameters=parameters)
    return {
        "Error": _object("error", error=text),
        "Live": _object("live", live=truth),
        "Ready": {"anyOf": [_object("ready", ready=truth), _ref("Error")]},
        "ServerMetadata": _object(
            "name version extensions", name=text, version=text, extensions={"type": "array", "items": text}
        ),
        "ModelMetadata": _object(
            "name versions platform inputs outputs",
            name=text,
            versions={"type": "array", "items": text},
            platform=text,
            inputs=tensors,
            outputs=tensors,
        ),
        "ModelReady": _object("name ready", name=text, ready=truth),
        "ModelState": _object("name version state reason", name=text, version=text, state=text, reason=text),
        "IndexRequest": _object("", ready=truth),
        "Region": _object("name key offset byte_size", name=text, key=text, offset=number, byte_size=number),
        "RegionRequest": _object("key byte_size", key=text, offset=number, byte_size=number),
        "InferenceRequest": _object(
            "inputs",
            id=text,
            parameters=parameters,
            inputs={"type": "array", "items": given},
            outputs={"type": "array", "items": wanted},
        ),
        "InferenceResponse": _object(
            "model_name model_version outputs",
            model_name=text,
            model_version=text,
            id=text,
            outputs={"type": "array", "items": given},
        ),
    }
