"""Falcon-40B as the Hub describes it: larger than one A100 in sixteen bits."""

from hfdeploy.fit import FullAttention, Model, Shape, Weights

FALCON = Model(
    "tiiuae/falcon-40b-instruct",
    Weights(83_671_941_120, 41_835_970_560, ("BF16",)),
    Shape("falcon", 8192, 128, 65024, 32768, FullAttention(60, 8, 64), 2048, 60, "bfloat16"),
)
