"""The page at `/`: the models, what they take and give, figures as they are now, and a form to try one.

The server writes it whole, and no script runs in it. All that comes from models, files and clients is escaped.
"""

from __future__ import annotations

import asyncio
import html
import json
import math
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from starlette.responses import HTMLResponse, Response

from zerolite.serving.errors import InvalidRequestError, RequestError
from zerolite.serving.http.form import SCALES, Form, picture_values, read_form, takes_pictures
from zerolite.serving.protocol import Interface, TensorMetadata, read_request

if TYPE_CHECKING:
    from zerolite.serving.core import InferenceResult, InferenceServer

__all__ = ["model_page", "overview_page", "refusal_page", "result_page"]

_REFRESH_S = 5
_MOST_PREFILLED = 256
_MOST_SHOWN = 64
_MOST_ZEROS = 1 << 20

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24; }
h1, p, td { overflow-wrap: anywhere; } h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .8rem .3rem 0; }
th { border-bottom: 1px solid #8c959f; } td { border-bottom: 1px solid #d8dee4; vertical-align: top; }
textarea, input, select { font: 16px/1.4 ui-monospace, monospace; box-sizing: border-box; width: 100%; padding: .3rem; }
textarea { height: 6rem; } button { font: inherit; margin-top: 1rem; padding: .3rem 1.5rem; }
label { display: block; margin-top: .8rem; overflow-wrap: anywhere; } .bad { color: #b3261e; }
@media (max-width: 45rem) {
  body { margin: 1rem auto; } table, tbody, tr, td { display: block; } th { display: none; }
  tr { padding: .5rem 0; border-bottom: 1px solid #d8dee4; } td { border: 0; padding: .1rem 0; }
  td::before { content: attr(data-label) ": "; color: #57606a; } button { width: 100%; padding: .6rem; }
}
"""


def overview_page(server: InferenceServer) -> Response:
    """All models with their figures; a browser asks for it again every few seconds."""
    queues = {(queue.model, queue.version): queue for queue in server.queues()}
    rows: list[Sequence[object]] = []
    for state in server.repository.index():
        queue = queues.get((state.name, state.version))
        name = _Markup(f'<a href="?model={quote(state.name, safe="")}">{html.escape(state.name)}</a>')
        if queue is None:
            rows.append((name, state.version, _Markup(f'<span class="bad">{html.escape(_state(state.reason))}</span>')))
            continue
        figures = server.metrics.of_runs(state.name, state.version)
        mean = "" if figures.runs == 0 else f"{1000 * figures.seconds / figures.runs:.3g} ms"
        rows.append((name, state.version, "ready", queue.queued, queue.running, figures.requests, figures.runs, mean))
    welcome = "ready" if server.ready else "about to end"
    head = ("model", "version", "state", "waiting", "running", "requests run", "runs", "mean run")
    body = f"<p>Version {html.escape(server.metadata()['version'])}, {welcome}.</p>{_table(head, rows)}"
    return _page("Models", body, refresh=True)


def _state(reason: str) -> str:
    return f"not loaded: {reason}" if reason else "not loaded"


def model_page(server: InferenceServer, name: str) -> Response:
    """What a model takes and gives, and the form to try it.

    Raises:
        RequestError: there is no such model, or it is not loaded.
    """
    return _page(name, _description(server, name) + _form(_interface(server, name), {}))


async def result_page(server: InferenceServer, name: str, body: bytes, content_type: str) -> Response:
    """The same with the outputs for what is in the form, or with what is wrong in it.

    Raises:
        RequestError: there is no such model, or it is not loaded.
    """
    interface = _interface(server, name)
    given: Mapping[str, str] = {}
    try:
        form = read_form(body, content_type)
        given = form.fields
        entries, pictures = [], b""
        for place, tensor in enumerate(interface.inputs.values()):
            entry, content = await _entry(place, tensor, form)
            entries.append(entry)
            pictures += content
        begun = time.perf_counter()
        with server.noted(name, None, "page", dict):
            read = partial(read_request, {"inputs": entries}, memoryview(pictures), server.shared_memory)
            result = await server.infer(name, None, read)
        answer = _outputs(result, time.perf_counter() - begun)
        status = 200
    except RequestError as error:
        answer = f'<p class="bad" role="alert">{html.escape(str(error))}</p>'
        status = error.status
    return _page(name, _description(server, name) + answer + _form(interface, given), status=status)


def refusal_page(error: RequestError) -> Response:
    """What is wrong, where there is no model to show."""
    return _page("No such page", f'<p class="bad" role="alert">{html.escape(str(error))}</p>', status=error.status)


def _interface(server: InferenceServer, name: str) -> Interface:
    model, signature = server.repository.find(name)
    return model.interfaces[signature]


def _description(server: InferenceServer, name: str) -> str:
    model, signature = server.repository.find(name)
    interface = model.interfaces[signature]
    shown = html.escape(signature)
    parts = [f'<p>Version {model.version}, signature <code>{shown}</code>. <a href="?">All models</a></p>']
    others = [
        f'<a href="?model={quote(f"{model.name}:{key}", safe="")}">{html.escape(key)}</a>'
        for key in model.interfaces
        if key != signature
    ]
    if others:
        parts.append(f"<p>Other signatures: {', '.join(others)}.</p>")
    for title, tensors in (("Inputs", interface.inputs), ("Outputs", interface.outputs)):
        rows = [(tensor.name, tensor.datatype, _shape(tensor.shape)) for tensor in tensors.values()]
        parts.append(f"<h2>{title}</h2>{_table(('name', 'datatype', 'shape'), rows)}")
    return "".join(parts)


def _form(interface: Interface, given: Mapping[str, str]) -> str:
    parts = ['<h2>Try it</h2><form method="post" enctype="multipart/form-data" accept-charset="utf-8">']
    for place, tensor in enumerate(interface.inputs.values()):
        name = html.escape(tensor.name)
        shape = given.get(f"shape-{place}", _shape(_example_shape(tensor)))
        data = given.get(f"data-{place}", _example_data(tensor))
        parts.append(
            f'<label>Shape of {name}<input name="shape-{place}" value="{html.escape(shape)}"></label>'
            f"<label>Values of {name} as JSON; zeros where this is empty"
            f'<textarea name="data-{place}">\n{html.escape(data)}</textarea></label>'
        )
        if takes_pictures(tensor):
            parts.append(_picture_fields(place, tensor, given))
    return "".join([*parts, "<button>Run</button></form>"])


def _picture_fields(place: int, tensor: TensorMetadata, given: Mapping[str, str]) -> str:
    name = html.escape(tensor.name)
    fields = [
        f'<label>Or a picture for {name}, which is resized<input type="file" name="picture-{place}" accept="image/*">'
        "</label>"
    ]
    if tensor.datatype != "UINT8":
        chosen = given.get(f"scale-{place}")
        options = "".join(f"<option{' selected' if scale == chosen else ''}>{scale}</option>" for scale in SCALES)
        fields.append(f'<label>Its values go from <select name="scale-{place}">{options}</select></label>')
    return "".join(fields)


def _example_shape(tensor: TensorMetadata) -> tuple[int, ...]:
    return tuple(1 if size == -1 else size for size in tensor.shape)


def _example_data(tensor: TensorMetadata) -> str:
    count = math.prod(_example_shape(tensor))
    return json.dumps(_zeros(tensor, count)) if count <= _MOST_PREFILLED else ""


def _zeros(tensor: TensorMetadata, count: int) -> list[Any]:
    zero: Any = "" if tensor.dtype.hasobject else tensor.dtype.type(0).item()
    return [float(zero) if tensor.dtype.kind not in "biuO" else zero] * count


async def _entry(place: int, tensor: TensorMetadata, form: Form) -> tuple[dict[str, Any], bytes]:
    """An input as a request has it, and its binary data. Fields are found by its place: its name may be anything."""
    given = form.fields
    if takes_pictures(tensor) and (picture := form.files.get(f"picture-{place}")):
        scale = given.get(f"scale-{place}", "")
        values = await asyncio.to_thread(picture_values, picture, tensor, scale)
        content = values.tobytes()
        binary = {"parameters": {"binary_data_size": len(content)}}
        return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(values.shape), **binary}, content
    shape = tensor.require_shape(_json(given.get(f"shape-{place}", ""), f"the shape of input {tensor.name!r}"))
    written = given.get(f"data-{place}", "").strip()
    data = _json(written, f"the data of input {tensor.name!r}") if written else _zeros(tensor, _bounded(shape))
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(shape), "data": data}, b""


def _bounded(shape: Sequence[int]) -> int:
    """The number of elements, where a form may ask for so many zeros."""
    count = math.prod(shape)
    if count > _MOST_ZEROS:
        raise InvalidRequestError(f"the page makes {_MOST_ZEROS} zeros at most; send larger inputs by the protocol")
    return count


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{what} is no JSON") from error


def _outputs(result: InferenceResult, seconds: float) -> str:
    rows = [
        (wanted.name, _shape(array.shape), _values(array))
        for wanted in result.request.outputs
        for array in [result.outputs[wanted.name]]
    ]
    title = f"<h2>Outputs, after {1000 * seconds:.3g} ms</h2>"
    return title + _table(("name", "shape", "values"), rows)


def _values(array: np.ndarray[Any, Any]) -> _Markup:
    flat = array.ravel()
    shown = flat[:_MOST_SHOWN]
    if array.dtype.hasobject:
        words = [repr(text.decode(errors="replace")) for text in shown]
    elif array.dtype.kind in "biu":
        words = [str(value) for value in shown.tolist()]
    else:
        words = [f"{value:.6g}" for value in shown.astype(np.float64).tolist()]
    more = f" and {flat.size - _MOST_SHOWN} more" if flat.size > _MOST_SHOWN else ""
    return _Markup(f"<code>{html.escape(', '.join(words))}</code>{more}")


def _shape(shape: Iterable[int]) -> str:
    return json.dumps(list(shape))


class _Markup(str):
    """HTML, which is not escaped any more."""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<table><tr>", *(f"<th>{html.escape(word)}</th>" for word in head), "</tr>"]
    for row in rows:
        cells = (cell if isinstance(cell, _Markup) else html.escape(str(cell)) for cell in row)
        named = zip(head, cells, strict=False)  # a model that is not loaded has no figures
        lines.append(
            "<tr>" + "".join(f'<td data-label="{html.escape(word)}">{cell}</td>' for word, cell in named) + "</tr>"
        )
    return "".join([*lines, "</table>"])


def _page(title: str, body: str, *, status: int = 200, refresh: bool = False) -> Response:
    nonce = secrets.token_urlsafe()
    again = f'<meta http-equiv="refresh" content="{_REFRESH_S}">' if refresh else ""
    words = html.escape(title)
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>{words} - zerolite</title>'
        f'<meta name="viewport" content="width=device-width"><style nonce="{nonce}">{_STYLE}</style></head>'
        f"<body><h1>{words}</h1>{body}</body></html>"
    )
    allowed = f"style-src 'nonce-{nonce}'; form-action 'self'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; frame-ancestors 'none'"
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    # Names may hold half of a surrogate pair, which is no UTF-8.
    return HTMLResponse(document.encode(errors="replace"), status, headers)
