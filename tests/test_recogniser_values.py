"""Properties of every network: the loss is per character and excludes the padding; dropout in training only."""

import pytest
import torch
from torch.nn import functional as F

from scriven.recognisers import RECOGNISERS, build
from scriven.recognisers.ctc_head import ctc_loss
from scriven.text import Charset
from toy_networks import SMALL

CHARSET = Charset.of(["ab"])


def test_the_loss_is_the_mean_over_characters_without_frames_of_the_padding() -> None:
    torch.manual_seed(0)
    logits, steps, texts = torch.randn(2, 9, len(CHARSET) + 1), torch.tensor([9, 4]), ["abababa"[:5], "b"]
    apart = [
        F.ctc_loss(
            logits[i : i + 1, : steps[i]].log_softmax(-1).transpose(0, 1),
            torch.tensor([CHARSET.encode(texts[i])]),
            steps[i : i + 1],
            torch.tensor([len(texts[i])]),
            reduction="sum",
        )
        for i in range(2)
    ]
    found = ctc_loss(logits, steps, texts, CHARSET)
    assert float(found) == pytest.approx(float(sum(apart)) / 6, rel=1e-5)
    changed = logits.clone()
    changed[1, 4:] = torch.randn(5, len(CHARSET) + 1)
    assert float(ctc_loss(changed, steps, texts, CHARSET)) == pytest.approx(float(found), rel=1e-6)
    assert float(ctc_loss(changed, steps, texts, CHARSET, 0.2)) == pytest.approx(
        float(ctc_loss(logits, steps, texts, CHARSET, 0.2)), rel=1e-6
    )


@pytest.mark.parametrize("network", sorted(RECOGNISERS.keys() - {"trba"}))  # which has none
def test_dropout_is_active_in_training_only(network: str) -> None:
    torch.manual_seed(0)
    net = build(network, CHARSET, **SMALL[network])
    with torch.no_grad():
        images, widths = torch.rand(1, 1, net.height, 128), torch.tensor([128])
        for training in (False, True):
            net.train(training)
            for module in net.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
            first, second = (net(images, widths)[0] for _ in range(2))
            assert torch.equal(first, second) != training
