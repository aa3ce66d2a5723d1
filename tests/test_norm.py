"""Masked batch norm equals plain batch norm of the lines without their padding."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from scriven.recognisers import RECOGNISERS, build  # noqa: E402
from scriven.recognisers.norm import Columns, MaskedBatchNorm  # noqa: E402
from scriven.tensors import Batch, collate  # noqa: E402
from scriven.text import Charset  # noqa: E402
from toy_networks import SMALL  # noqa: E402

WIDTHS = torch.tensor([5, 9, 7])


def picture(*shape: int) -> Tensor:
    return torch.randn(*shape).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("act", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_statistics_and_gradients_equal_those_of_the_valid_columns(act: bool, known: bool) -> None:
    torch.manual_seed(0)
    x, dy = picture(3, 4, 2, 12) * 3 + 1, picture(3, 4, 2, 12)
    columns = Columns.of(WIDTHS, 12, known=known)
    inside = columns.keep.bool().expand_as(x)
    ours, theirs = MaskedBatchNorm(4, act), torch.nn.BatchNorm2d(4)
    for norm in (ours, theirs):
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([0.5, 1.0, 2.0, -1.0]))
            norm.bias.copy_(torch.tensor([0.1, 0.0, -0.2, 0.3]))

    a = x.clone().requires_grad_()
    y = ours(a * 1, columns)
    y.backward(dy)

    b = x.clone().requires_grad_()
    rows = torch.cat([b[i, :, :, :w].flatten(1) for i, w in enumerate(WIDTHS.tolist())], 1)  # (C, valid columns)
    z = theirs(rows.T[:, :, None, None])[:, :, 0, 0].T
    z = F.relu(z) if act else z
    z.backward(torch.cat([dy[i, :, :, :w].flatten(1) for i, w in enumerate(WIDTHS.tolist())], 1))

    found = torch.cat([y[i, :, :, :w].flatten(1) for i, w in enumerate(WIDTHS.tolist())], 1)
    torch.testing.assert_close(found, z)
    torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)
    for name in ("weight", "bias"):
        torch.testing.assert_close(getattr(ours, name).grad, getattr(theirs, name).grad)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name))
    assert float(y.detach().masked_select(~inside).abs().max()) == 0
    assert float(a.grad.masked_select(~inside).abs().max()) == 0  # type: ignore[union-attr]


def test_a_non_finite_batch_does_not_change_the_running_statistics() -> None:
    norm = MaskedBatchNorm(2)
    before = [b.clone() for b in (norm.running_mean, norm.running_var) if b is not None]
    x = torch.full((3, 2, 2, 12), float("nan")).to(memory_format=torch.channels_last)
    norm(x, Columns.of(WIDTHS, 12))
    after = [b for b in (norm.running_mean, norm.running_var) if b is not None]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_no_batch_norm_is_called_with_an_epsilon_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch 2.11 refuses an epsilon of 0; other versions do not."""
    plain, asked = F.batch_norm, list[float]()

    def noted(*given: Any) -> Tensor:
        asked.append(given[7])
        return plain(*given)

    monkeypatch.setattr(F, "batch_norm", noted)
    x = torch.randn(3, 2, 2, 12).to(memory_format=torch.channels_last).requires_grad_()
    MaskedBatchNorm(2)(x * 1, Columns.of(WIDTHS, 12)).sum().backward()
    assert len(asked) == 2 and all(eps > 0 for eps in asked)


@pytest.mark.parametrize("network", RECOGNISERS)
def test_the_loss_does_not_depend_on_the_padding(network: str) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    height = RECOGNISERS[network].height
    lines = [rng.integers(0, 255, (height, width)).astype(np.uint8) for width in (120, 150, 170, 192)]
    texts = ["ab", "bc", "cab", "abc"]
    near = collate(lines, texts)
    near.images = near.images.double()
    far = Batch(F.pad(near.images, (0, 1024 - near.images.shape[3])), near.widths, near.texts, near.hands)
    losses, gradients = [], []
    for batch in (near, far):
        torch.manual_seed(1)
        net = (
            build(network, Charset(tuple(" abc")), **SMALL[network]).train().double()
        )  # in float32 a ReLU near 0 may flip
        for part in net.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0  # dropout draws random numbers for the padding too
        loss = net.loss(batch)
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-4 * float(gradients[0].abs().max()), rtol=1e-3)
