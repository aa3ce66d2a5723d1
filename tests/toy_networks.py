"""Sizes of every network at which it trains in seconds, for tests that run over all of them."""

from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "convtext": {"size": "tiny"},
    "convtext, two heads": {"size": "tiny", "decoder_layers": 1, "decoder_width": 64},
    "trba": {"channels": 64, "hidden": 32},
    "resnet34": {"channels": 8, "hidden": 32},
    "lafhtr": {"channels": 8, "hidden": 32},
    "toy": {"size": "tiny"},
}
