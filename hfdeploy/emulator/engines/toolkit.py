"""The managed Inference Toolkit (image `huggingface`), and any container whose engine is not known.

Every failure is 400 with `{"error": text}` (section 12.3); nothing streams.
"""

import json
from typing import Any

from starlette.responses import PlainTextResponse, Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines import generation, scores
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault
from hfdeploy.emulator.text import Ask

_SHAPE = frozenset({"temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "do_sample", "num_beams"})
_KNOWN = _SHAPE | {"max_new_tokens", "max_length", "return_full_text", "num_return_sequences", "min_new_tokens"}
_DEFAULT_LIMIT = 20
_EMBEDDING_TASKS = frozenset({"feature-extraction", "sentence-embeddings"})
_TEXT_TASKS = {
    "text-generation": "generated_text",
    "text2text-generation": "generated_text",
    "summarization": "summary_text",
    "translation": "translation_text",
}


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET / and /health."""
    return PlainTextResponse("Ok")


async def predict(call: Call) -> Response:
    """POST / and /predict: `inputs`, and `parameters` from the body or else from the query."""
    body = _read(call)
    if "inputs" not in body:
        raise Fault(400, f"Body needs to provide a inputs key, recieved: {json.dumps(body)}", "toolkit")
    parameters = body.get("parameters") or dict(call.query)
    if not isinstance(parameters, dict):
        raise Fault(400, f"parameters must be an object, received: {json.dumps(parameters)}", "toolkit")
    return JSON(await _pipeline(call, body["inputs"], parameters))


def _read(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError as error:
        raise Fault(400, str(error), "toolkit") from error
    if not isinstance(body, dict):
        raise Fault(400, f"Body needs to provide a inputs key, recieved: {call.body.decode()}", "toolkit")
    return body


async def _pipeline(call: Call, inputs: object, parameters: dict[str, Any]) -> object:
    """The answer of the pipeline of this task."""
    task = call.serving.task
    if task in _TEXT_TASKS:
        return await _texts(call, inputs, parameters, _TEXT_TASKS[task])
    if task == "sentence-similarity":
        return {"similarities": _similarities(call, inputs)}
    if task in _EMBEDDING_TASKS:
        found = _vectors(call, _each(inputs))
        return {"embeddings": found} if task == "sentence-embeddings" else found
    if task == "fill-mask":
        return _filled(str(inputs))
    return scores.classify(call, json.dumps(inputs))


async def _texts(call: Call, inputs: object, parameters: dict[str, Any], key: str) -> list[dict[str, str]]:
    unknown = [name for name in parameters if name not in _KNOWN]
    if unknown:
        said = (
            f"The following `model_kwargs` are not used by the model: {unknown} (note: typos in the generate arguments"
        )
        raise Fault(400, f"{said} will also show up in this list)", "toolkit")
    given = Body(parameters)
    answers = []
    for prompt in _each(inputs):
        ask = Ask(
            prompt=prompt,
            limit=given.whole("max_new_tokens") or _DEFAULT_LIMIT,
            shape=given.shape(_SHAPE),
            sampled=given.flag("do_sample"),
        )
        said = "".join([token.text async for token in generation.speak(call, ask) if not token.special])
        keeps_prompt = key == "generated_text" and given.flag("return_full_text", default=True)
        answers.append({key: ask.prompt + said if keeps_prompt else said.strip()})
    return answers


def _each(inputs: object) -> list[str]:
    """One text or a list of them, as a list."""
    if isinstance(inputs, str):
        return [inputs]
    if not isinstance(inputs, list) or not all(isinstance(given, str) for given in inputs):
        raise Fault(400, f"inputs must be a string or a list of strings, received: {json.dumps(inputs)}", "toolkit")
    return inputs


def _similarities(call: Call, inputs: object) -> list[float]:
    if not isinstance(inputs, dict) or not {"source_sentence", "sentences"} <= inputs.keys():
        raise Fault(400, "sentence-similarity needs source_sentence and sentences", "toolkit")
    wanted, *others = _vectors(call, [inputs["source_sentence"], *inputs["sentences"]])
    return [vectors.cosine(wanted, other) for other in others]


def _vectors(call: Call, texts: list[str]) -> list[list[float]]:
    found = vectors.embed(call.serving.repository, call.serving.revision, texts)
    return vectors.scripted(found, call.script)


def _filled(given: str) -> list[dict[str, Any]]:
    if "[MASK]" not in given and "<mask>" not in given:
        raise Fault(400, "No mask_token ([MASK]) found on the input", "toolkit")
    filled = given.replace("[MASK]", "light").replace("<mask>", "light")
    return [{"score": 0.42, "token": text.identify("light"), "token_str": "light", "sequence": filled}]


def _fault_reply(call: Call, fault: Fault) -> Response:  # noqa: ARG001  every engine takes the call
    return JSON({"error": fault.message}, status_code=400)


def _malformed(call: Call, error: BodyError) -> Response:  # noqa: ARG001  every engine takes the call
    return JSON({"error": error.message}, status_code=400)


ENGINE = Engine(
    name="toolkit",
    routes={
        "/": {"GET": health, "POST": predict},
        "/health": {"GET": health},
        "/predict": {"POST": predict},
    },
    not_found=lambda _: PlainTextResponse("Not Found", status_code=404),
    loading=lambda _: None,
    fault=_fault_reply,
    malformed=_malformed,
)
