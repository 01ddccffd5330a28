"""The `/docs` page of an engine, and the document behind it; the page needs no other host.

Engines load theirs from a content network or bundle a large library; this one is one file that lists the routes, fills
in an example body, sends it and shows the answer as it streams.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import HTMLResponse, Response

from hfdeploy.emulator.engines.call import JSON, Call, Handler, Routes

_MESSAGES = [{"role": "user", "content": "What is deep learning?"}]
_NATIVE = {"inputs": "What is deep learning?", "parameters": {"max_new_tokens": 20, "return_full_text": False}}
_EXAMPLES: Mapping[str, Any] = {
    "/": _NATIVE,
    "/generate": _NATIVE,
    "/generate_stream": _NATIVE,
    "/invocations": _NATIVE,
    "/predict": {"inputs": "What is deep learning?"},
    "/v1/chat/completions": {"messages": _MESSAGES, "max_tokens": 20, "stream": True},
    "/v1/completions": {"prompt": "What is deep learning?", "max_tokens": 20, "stream": True},
    "/chat_tokenize": {"messages": _MESSAGES},
    "/v1/embeddings": {"input": ["What is deep learning?"]},
    "/embeddings": {"input": ["What is deep learning?"]},
    "/vertex": {"instances": [_NATIVE]},
    "/encode": {"text": "What is deep learning?"},
    "/rerank": {"query": "What is deep learning?", "texts": ["Deep learning is ...", "Cheese is ..."]},
    "/similarity": {"inputs": {"source_sentence": "deep learning", "sentences": ["machine learning", "cheese"]}},
    "/decode": {"ids": [101, 102]},
    "/detokenize": {"tokens": [101, 102]},
}
_DEFAULT_EXAMPLE: Any = {"inputs": "What is deep learning?"}


def documented(title: str, document_path: str, routes: Routes, *, examples: Mapping[str, Any] | None = None) -> Routes:
    """The routes with GET /docs and their OpenAPI document added.

    Args:
        document_path: where this engine serves the document, e.g. `/api-doc/openapi.json`.
        examples: bodies for routes that other engines have under the same path and with other fields.
    """
    bodies = {**_EXAMPLES, **(examples or {})}

    async def document(call: Call) -> Response:
        """GET the OpenAPI document of this server."""
        return JSON(_document(title, full, call.served_model, bodies))

    async def page(call: Call) -> Response:  # noqa: ARG001  a handler
        """GET /docs: this page."""
        return HTMLResponse(_PAGE.replace("TITLE", title).replace("DOCUMENT", document_path))

    full = {**routes, "/docs": {"GET": page}, document_path: {"GET": document}}
    return full


def _document(title: str, routes: Routes, model: str, bodies: Mapping[str, Any]) -> dict[str, Any]:
    paths = {
        path: {method.lower(): _operation(path, method, handler, model, bodies) for method, handler in methods.items()}
        for path, methods in routes.items()
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "emulated", "description": f"Routes of the emulated server of {model}."},
        "servers": [{"url": ".."}],
        "paths": paths,
    }


def _operation(path: str, method: str, handler: Handler, model: str, bodies: Mapping[str, Any]) -> dict[str, Any]:
    first_line = (handler.__doc__ or "").partition("\n")[0]
    operation: dict[str, Any] = {
        # Docstrings of handlers begin with method and path, which the page shows anyway.
        "summary": (first_line.partition(": ")[2] or first_line).replace("`", ""),
        "responses": {"200": {"description": "The answer"}},
    }
    if method == "POST":
        example = bodies.get(path, _DEFAULT_EXAMPLE)
        if path.startswith("/v1/"):
            example = {"model": model, **example}
        body = {"application/json": {"schema": {"type": "object"}, "example": example}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>TITLE</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a1a1a;background:#fff}
details{border:1px solid #ccc;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre,textarea,input{font:13px/1.45 ui-monospace,monospace}summary code{margin-right:.5rem}
.verb{display:inline-block;min-width:3.5rem;font-weight:700}.GET{color:#06609e}.POST{color:#146c2e}
textarea{width:100%;box-sizing:border-box;margin-top:.5rem;padding:.6rem;border:1px solid #ccc}
pre{background:#f4f4f4;margin:.4rem 0;padding:.6rem;max-height:24rem;overflow:auto;overflow-wrap:anywhere}
pre{white-space:pre-wrap}pre:empty{display:none}button{font:inherit;margin:.4rem 0;padding:.1rem 1rem}
label{display:block;margin:.5rem 0}
</style></head><body>
<h1 id="title">TITLE</h1><p id="about"></p>
<label>Token (kept in this page only) <input id="token" type="password" size="40" autocomplete="off"></label>
<div id="routes">Loading the routes ...</div>
<script>
"use strict";
const base = location.pathname.replace(/\\/docs\\/?$/, "");
const byId = id => document.getElementById(id);
function made(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
}
function headers() {
  const token = byId("token").value.trim();
  return token ? {"Authorization": "Bearer " + token} : {};
}
async function ask(path, method, area, output) {
  output.textContent = "";
  const request = {method, headers: headers()};
  if (area) { request.body = area.value; request.headers["Content-Type"] = "application/json"; }
  try {
    const reply = await fetch(base + path, request);
    output.textContent = reply.status + " " + (reply.headers.get("content-type") || "") + "\\n\\n";
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      output.textContent += part.value;
      output.scrollTop = output.scrollHeight;
    }
  } catch (error) { output.textContent += String(error); }
}
function shown(path, method, operation) {
  const box = made("details"), head = made("summary"), send = made("button", "Send"), output = made("pre");
  head.append(made("span", method, "verb " + method), made("code", path), " ", operation.summary || "");
  box.append(head);
  let area = null;
  if (operation.requestBody) {
    const example = operation.requestBody.content["application/json"].example;
    area = made("textarea");
    area.rows = 8;
    area.value = JSON.stringify(example, null, 2);
    box.append(area);
  }
  send.addEventListener("click", () => ask(path, method, area, output));
  box.append(send, output);
  return box;
}
async function start() {
  const reply = await fetch(base + "DOCUMENT", {headers: headers()});
  const list = byId("routes");
  if (!reply.ok) { list.textContent = "The document of the routes answered " + reply.status; return; }
  const spec = await reply.json();
  byId("about").textContent = spec.info.description;
  list.replaceChildren();
  for (const [path, methods] of Object.entries(spec.paths))
    for (const [method, operation] of Object.entries(methods))
      list.append(shown(path, method.toUpperCase(), operation));
}
byId("token").addEventListener("change", start);
start();
</script></body></html>
"""
