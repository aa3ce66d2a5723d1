"""Wide pictures are cut between frames, at any stride."""

import numpy as np
import pytest

from scriven.reader.windows import stitch, windows


@pytest.mark.parametrize("stride", [1, 2, 3, 6, 8, 16])
@pytest.mark.parametrize("width", [64, 2048, 2051, 3001, 39_997])
def test_windows_keep_every_frame_once_at_any_stride(width, stride):
    cuts = windows(width, stride=stride)
    assert cuts[0].first == 0 and cuts[-1].last == cuts[-1].stop == width
    for left, right in zip(cuts, cuts[1:], strict=False):
        assert left.last == right.first and right.start % stride == 0 and left.last % stride == 0
        assert right.start + 60 <= right.first <= left.stop - 60
    frames = np.arange(-(-width // stride), dtype=np.float32)[:, None]
    parts = [frames[cut.start // stride : -(-cut.stop // stride)] for cut in cuts]
    np.testing.assert_array_equal(stitch(parts, cuts, stride), frames)
