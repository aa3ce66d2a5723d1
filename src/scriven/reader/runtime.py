"""Import of ONNX Runtime with its telemetry off: from 1.29 on it reports usage over the network by default."""

import os
from types import ModuleType


def onnxruntime() -> ModuleType:
    """The module onnxruntime; it sends nothing and keeps no identifier on disk."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime  # type: ignore[no-any-return]
