"""Which engine stands behind an endpoint: the image variant decides, and for `custom` the name of the image."""

from collections.abc import Mapping

from hfdeploy.emulator.engines import llamacpp, sglang, tei, tgi, toolkit, vllm
from hfdeploy.emulator.engines.call import Engine
from hfdeploy.emulator.serving import Serving

_BY_VARIANT: Mapping[str, Engine] = {
    "tgi": tgi.ENGINE,
    "tgiNeuron": tgi.ENGINE,
    "tgiTpu": tgi.ENGINE,
    "vLLM": vllm.ENGINE,
    "vLLMNeuron": vllm.ENGINE,
    "vLLMOmni": vllm.ENGINE,
    "hfServe": vllm.ENGINE,
    "sGLang": sglang.ENGINE,
    "llamacpp": llamacpp.ENGINE,
    "tei": tei.ENGINE,
    "huggingface": toolkit.ENGINE,
    "huggingfaceNeuron": toolkit.ENGINE,
}
_BY_IMAGE: tuple[tuple[str, Engine], ...] = (
    ("text-generation-inference", tgi.ENGINE),
    ("text-embeddings-inference", tei.ENGINE),
    ("vllm", vllm.ENGINE),
    ("sglang", sglang.ENGINE),
    ("llama", llamacpp.ENGINE),
)


def engine_of(serving: Serving) -> Engine:
    """The engine that answers. A custom image of unknown name is taken for a container with the toolkit's routes."""
    if serving.engine in _BY_VARIANT:
        return _BY_VARIANT[serving.engine]
    url = str(serving.image.get("url", "")).lower()
    return next((engine for mark, engine in _BY_IMAGE if mark in url), toolkit.ENGINE)
