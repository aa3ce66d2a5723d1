"""ONNX Runtime as we use it: from 1.29 on it reports its use over the network unless it is told not to."""

import os
from types import ModuleType


def onnxruntime() -> ModuleType:
    """The module, imported with its telemetry off: nothing is sent, and no identifier is kept on disk."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime  # type: ignore[no-any-return]
