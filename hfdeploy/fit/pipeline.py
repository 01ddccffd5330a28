"""The shape of a diffusion pipeline: the part that denoises is the one that computes, and nothing keeps a cache."""

from collections.abc import Mapping
from typing import Any

from hfdeploy.fit.attention import NoCache
from hfdeploy.fit.shape import Shape, UnknownShape, whole

DENOISERS = ("unet", "transformer", "prior")
"""Folders of a pipeline, in the order in which they are looked for."""


def read_pipeline_shape(denoiser: Mapping[str, Any]) -> Shape:
    """The shape that the `config.json` of a pipeline's denoiser describes.

    Raises:
        UnknownShape: neither a U-Net nor a transformer that is known here.
    """
    channels = denoiser.get("block_out_channels")
    if isinstance(channels, list) and channels and all(type(one) is int and one > 0 for one in channels):
        return _shape("unet", max(channels), 1)
    heads, width = whole(denoiser, "num_attention_heads"), whole(denoiser, "attention_head_dim")
    if heads and width:
        return _shape("transformer", heads * width, heads)
    raise UnknownShape("the configuration of the pipeline's denoiser names neither channels nor heads")


def _shape(kind: str, hidden: int, heads: int) -> Shape:
    return Shape(
        architecture=kind,
        hidden=hidden,
        heads=heads,
        vocabulary=0,
        active_width=4 * hidden,
        attention=NoCache(),
        context=None,
    )
