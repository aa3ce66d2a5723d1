"""Judging generated handwriting against real handwriting: features, distances, hands, legibility; numpy and ONNX.

The network that makes the features is trained by `recipes/hand-features` and shares no weights with any generator. No
scribe, no training and no gate imports this room: a generator is never fitted to, nor selected by, its judge.
"""
