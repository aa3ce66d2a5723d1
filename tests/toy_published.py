"""The published recognisers in small, as plain PyTorch with the names of their files, to compare imports with.

Written from descriptions of the published networks and independent of the networks in the package. Benchmark networks
take pictures of 32 x 100 px from -1 (ink) to 1 (paper), StackMix and the label-free learner from 0 (ink) to 1 (paper).
"""

import string
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHARACTERS = string.digits + string.ascii_lowercase


def vgg(c: int) -> nn.Sequential:
    """The convolutions of CRNN, numbered as in its files; `c` is the number of features."""
    return nn.Sequential(
        nn.Conv2d(1, c // 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(c // 8, c // 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(c // 4, c // 2, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(c // 2, c // 2, 3, 1, 1), nn.ReLU(), nn.MaxPool2d((2, 1), (2, 1)),
        nn.Conv2d(c // 2, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
        nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(), nn.MaxPool2d((2, 1), (2, 1)),
        nn.Conv2d(c, c, 2, 1, 0), nn.ReLU(),
    )  # fmt: skip


class GatedUnit(nn.Module):
    """One iteration of a gated recurrent convolution, without its convolutions."""

    def __init__(self, o: int):
        super().__init__()
        self.BN_gfu, self.BN_grx, self.BN_fu, self.BN_rx, self.BN_Gx = (nn.BatchNorm2d(o) for _ in range(5))

    def forward(self, gate_u: Tensor, gate_x: Tensor, u: Tensor, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.BN_gfu(gate_u) + self.BN_grx(gate_x))
        return F.relu(self.BN_fu(u) + self.BN_Gx(self.BN_rx(x) * gate))


class GatedRecurrent(nn.Module):
    """Five iterations."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.wgf_u, self.wgr_x = nn.Conv2d(i, o, 1, bias=False), nn.Conv2d(o, o, 1, bias=False)
        self.wf_u, self.wr_x = nn.Conv2d(i, o, 3, 1, 1, bias=False), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.BN_x_init = nn.BatchNorm2d(o)
        self.GRCL = nn.Sequential(*(GatedUnit(o) for _ in range(5)))

    def forward(self, u: Tensor) -> Tensor:
        x = F.relu(self.BN_x_init(self.wf_u(u)))
        for unit in self.GRCL:
            x = unit(self.wgf_u(u), self.wgr_x(x), self.wf_u(u), self.wr_x(x))
        return x


def rcnn(c: int) -> nn.Sequential:
    """Three gated recurrent convolutions, numbered as in files."""
    return nn.Sequential(
        nn.Conv2d(1, c // 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2, 2),
        GatedRecurrent(c // 8, c // 8), nn.MaxPool2d(2, 2),
        GatedRecurrent(c // 8, c // 4), nn.MaxPool2d(2, (2, 1), (0, 1)),
        GatedRecurrent(c // 4, c // 2), nn.MaxPool2d(2, (2, 1), (0, 1)),
        nn.Conv2d(c // 2, c, 2, 1, 0, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
    )  # fmt: skip


class Block(nn.Module):
    """Two 3x3 convolutions beside the identity or a 1x1 convolution."""

    def __init__(self, i: int, o: int, stride: int = 1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = None
        if i != o:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x: Tensor) -> Tensor:
        beside = x if self.downsample is None else self.downsample(x)
        return F.relu(beside + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


def blocks(i: int, o: int, count: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(Block(i, o, stride), *(Block(o, o) for _ in range(count - 1)))


class Resnet(nn.Module):
    """The trunk of 29 layers."""

    def __init__(self, c: int):
        super().__init__()
        for name, i, o in (("0_1", 1, c // 16), ("0_2", c // 16, c // 8)):
            self.add(name, nn.Conv2d(i, o, 3, 1, 1, bias=False))
        widths = (c // 8, c // 4, c // 2, c, c)
        for stage, count in enumerate((1, 2, 5, 3), 1):
            setattr(self, f"layer{stage}", blocks(widths[stage - 1], widths[stage], count))
            if stage < 4:
                self.add(str(stage), nn.Conv2d(widths[stage], widths[stage], 3, 1, 1, bias=False))
        self.add("4_1", nn.Conv2d(c, c, 2, (2, 1), (0, 1), bias=False))
        self.add("4_2", nn.Conv2d(c, c, 2, 1, 0, bias=False))

    def add(self, name: str, conv: nn.Conv2d) -> None:
        setattr(self, f"conv{name}", conv)
        setattr(self, f"bn{name}", nn.BatchNorm2d(conv.out_channels))

    def through(self, name: str, x: Tensor) -> Tensor:
        return F.relu(getattr(self, f"bn{name}")(getattr(self, f"conv{name}")(x)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.through("0_2", self.through("0_1", x))
        x = self.through("1", self.layer1(F.max_pool2d(x, 2)))
        x = self.through("2", self.layer2(F.max_pool2d(x, 2)))
        x = self.through("3", self.layer3(F.max_pool2d(x, 2, (2, 1), (0, 1))))
        return self.through("4_2", self.through("4_1", self.layer4(x)))


def grid_tables() -> tuple[Tensor, Tensor]:
    """The inverse (23, 23) of the system of a thin-plate spline with 20 points, and its terms (3200, 23) at pixels."""
    x = np.linspace(-1, 1, 10)
    base = np.concatenate([np.stack([x, 0 * x + y], 1) for y in (-1, 1)])
    distance = np.linalg.norm(base[:, None] - base, axis=2)
    np.fill_diagonal(distance, 1)
    ones, zeros = np.ones((20, 1)), np.zeros((3, 3))
    upper = np.concatenate([ones, base, distance**2 * np.log(distance)], 1)
    lower = np.concatenate([zeros, np.concatenate([base, ones], 1).T], 1)
    at = np.stack(np.meshgrid((np.arange(100) * 2 - 99) / 100, (np.arange(32) * 2 - 31) / 32), 2).reshape(-1, 2)
    radius = np.linalg.norm(at[:, None] - base, axis=2)
    terms = np.concatenate([np.ones((3200, 1)), at, radius**2 * np.log(radius + 1e-6)], 1)
    return torch.tensor(np.linalg.inv(np.concatenate([upper, lower]))), torch.tensor(terms)


class Tps(nn.Module):
    """The rectification, with a last layer that looks at the picture."""

    def __init__(self, c: int):
        super().__init__()
        self.LocalizationNetwork, self.GridGenerator = nn.Module(), nn.Module()
        ladder, layers = (1, c // 8, c // 4, c // 2, c), list[nn.Module]()
        for level, (i, o) in enumerate(zip(ladder[:-1], ladder[1:], strict=True)):
            pool = nn.MaxPool2d(2, 2) if level < 3 else nn.AdaptiveAvgPool2d(1)
            layers += [nn.Conv2d(i, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), pool]
        self.LocalizationNetwork.conv = nn.Sequential(*layers)
        self.LocalizationNetwork.localization_fc1 = nn.Sequential(nn.Linear(c, c // 2), nn.ReLU())
        self.LocalizationNetwork.localization_fc2 = last = nn.Linear(c // 2, 40)
        x = torch.linspace(-1, 1, 10)
        points = [torch.stack([x, torch.linspace(start, end, 10)], 1) for start, end in ((0, -1), (1, 0))]
        last.bias.data = torch.cat(points).flatten()
        nn.init.normal_(last.weight, std=0.02)
        for name, table in zip(("inv_delta_C", "P_hat"), grid_tables(), strict=True):
            self.GridGenerator.register_buffer(name, table)

    def forward(self, x: Tensor) -> Tensor:
        part, grid = self.LocalizationNetwork, self.GridGenerator
        points = part.localization_fc2(part.localization_fc1(part.conv(x).flatten(1))).view(-1, 20, 2)
        at = grid.P_hat @ (grid.inv_delta_C @ F.pad(points, (0, 0, 0, 3)))
        return F.grid_sample(x, at.view(-1, 32, 100, 2), padding_mode="border", align_corners=True)


class Attention(nn.Module):
    """The attention decoder with the names of its files; one step for each class given."""

    def __init__(self, i: int, hidden: int, classes: int):
        super().__init__()
        self.attention_cell = nn.Module()
        self.attention_cell.i2h = nn.Linear(i, hidden, bias=False)
        self.attention_cell.h2h = nn.Linear(hidden, hidden)
        self.attention_cell.score = nn.Linear(hidden, 1, bias=False)
        self.attention_cell.rnn = nn.LSTMCell(i + classes, hidden)
        self.generator = nn.Linear(hidden, classes)

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        """Logits (N, L, V) with the classes (N, L) before each step given."""
        cell, classes = self.attention_cell, self.generator.out_features
        state = (x.new_zeros(len(x), cell.h2h.in_features),) * 2
        found = []
        for before in previous.unbind(1):
            e = cell.score(torch.tanh(cell.i2h(x) + cell.h2h(state[0]).unsqueeze(1)))
            context = torch.bmm(F.softmax(e, dim=1).permute(0, 2, 1), x).squeeze(1)
            state = cell.rnn(torch.cat([context, F.one_hot(before, classes).to(x)], 1), state)
            found.append(self.generator(state[0]))
        return torch.stack(found, 1)


class Published(nn.Module):
    """A network of the benchmark, on pictures of 32 x 100 px from -1 (ink) to 1 (paper)."""

    def __init__(
        self,
        attention: bool,
        features: str = "vgg",
        tps: bool = False,
        sequence: bool = True,
        channels: int = 64,
        hidden: int = 32,
    ):
        super().__init__()
        if tps:
            self.Transformation = Tps(channels)
        self.FeatureExtraction = nn.Module()
        self.FeatureExtraction.ConvNet = {"vgg": vgg, "rcnn": rcnn, "resnet": Resnet}[features](channels)
        self.SequenceModeling = nn.ModuleList()
        for i in (channels, hidden) if sequence else ():
            layer = nn.Module()
            layer.rnn = nn.LSTM(i, hidden, bidirectional=True, batch_first=True)
            layer.linear = nn.Linear(2 * hidden, hidden)
            self.SequenceModeling.append(layer)
        count, last = len(CHARACTERS), hidden if sequence else channels
        self.Prediction = Attention(last, hidden, count + 2) if attention else nn.Linear(last, count + 1)

    def forward(self, images: Tensor, *previous: Tensor) -> Tensor:
        x = self.Transformation(images) if hasattr(self, "Transformation") else images
        x = self.FeatureExtraction.ConvNet(x).mean(2).transpose(1, 2)
        for layer in self.SequenceModeling:
            x = layer.linear(layer.rnn(x)[0])
        return self.Prediction(x, *previous)


class StackMix(nn.Module):
    """ResNet-34 to its third stage, three BiLSTM layers, CTC, on pictures of 128 px from 0 (ink) to 1 (paper)."""

    def __init__(self, c: int = 16, hidden: int = 32, characters: int = 79):
        super().__init__()
        self.feature_extractor = nn.Sequential(
            nn.Conv2d(3, c, 7, 1, 3), nn.BatchNorm2d(c), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            blocks(c, c, 3), blocks(c, 2 * c, 4, 2), blocks(2 * c, 4 * c, 6, 2),
        )  # fmt: skip
        self.bilstm = nn.Module()
        self.bilstm.lstm = nn.LSTM(4 * c, hidden, 3, dropout=0.1, bidirectional=True, batch_first=True)
        self.classifier = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, characters + 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.feature_extractor(images.expand(-1, 3, -1, -1))
        n, c, h, w = x.shape
        x = F.adaptive_avg_pool2d(x.reshape(n, c * h, w), (c, w)).transpose(1, 2)  # w frames, where it took 256
        return self.classifier(self.bilstm.lstm(x)[0])


class LabelFree(nn.Module):
    """The encoder and decoder of the label-free learner, on pictures of 64 px from 0 (ink) to 1 (paper)."""

    def __init__(self, c: int = 8, hidden: int = 16, characters: int = 52):
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        i, layers = 3, list[nn.Module]()
        for width, count in ((c, 2), (2 * c, 2), (4 * c, 4), (8 * c, 4), (8 * c, 4)):
            for _ in range(count):
                layers += [nn.Conv2d(i, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                i = width
            layers += [nn.MaxPool2d(2, 2)]
        self.encoder.vgg = nn.Module()
        self.encoder.vgg.truncated_vgg = nn.Sequential(nn.Sequential(*layers))
        self.encoder.gru1 = nn.GRU(2 * i, hidden, bidirectional=True, batch_first=True)
        self.encoder.gru2 = nn.GRU(2 * hidden, hidden, bidirectional=True, batch_first=True)
        classes = characters + 3
        self.decoder.attention = nn.Module()
        self.decoder.attention.conv1d = nn.Conv1d(1, 10, 5, padding=2)
        self.decoder.attention.linear1 = nn.Linear(3 * hidden + 10, hidden)
        self.decoder.attention.linear2 = nn.Linear(hidden, 1, bias=False)
        self.decoder.decoder_gru = nn.GRU(classes + 2 * hidden, hidden, batch_first=True)
        self.decoder.linear = nn.Linear(hidden, classes)

    def forward(self, images: Tensor, previous: Tensor) -> Tensor:
        """Logits (N, L, V) with the classes (N, L) before each step given: start, end, unknown, characters."""
        x = self.encoder.vgg.truncated_vgg(images.expand(-1, 3, -1, -1)).permute(0, 3, 2, 1).flatten(2)
        values = self.encoder.gru2(self.encoder.gru1(x)[0])[0]  # (N, T, D)
        part, steps = self.decoder.attention, values.shape[1]
        ramp = torch.sigmoid(1 - torch.arange(steps).to(values) / steps).expand(len(values), -1)
        weights, state = (
            ramp / ramp.sum(1, keepdim=True),
            values.new_zeros(1, len(values), self.decoder.linear.in_features),
        )
        found = []
        for before in previous.unbind(1):
            located = part.conv1d(weights[:, None]).transpose(1, 2)
            asked = state[0][:, None].expand(-1, steps, -1)
            scores = torch.sigmoid(part.linear2(torch.tanh(part.linear1(torch.cat([values, asked, located], 2)))))[
                ..., 0
            ]
            weights = scores / scores.sum(1, keepdim=True)
            context = torch.einsum("nt,ntd->nd", weights, values)
            given = torch.cat([F.one_hot(before, self.decoder.linear.out_features).to(values), context], 1)
            out, state = self.decoder.decoder_gru(given[:, None], state)
            found.append(self.decoder.linear(out[:, 0]))
        return torch.stack(found, 1)


def scrambled(net: nn.Module) -> nn.Module:
    """The network in evaluation mode, in float64, with random tensors.

    Their spread is such that logits differ by far more than rounding where any two of equal shape are exchanged, except
    the two biases of an LSTM, which are added.
    """
    for name, value in net.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and value.ndim == 1):
            nn.init.uniform_(value, 0.5, 2)
        elif value.ndim > 1 and "GridGenerator" not in name:
            nn.init.kaiming_normal_(value)
        elif value.ndim == 1 and "localization_fc2" not in name:  # its biases are where the spline starts
            nn.init.uniform_(value, -0.3, 0.3)
    if isinstance(net, Published) and hasattr(net, "Transformation"):
        net.Transformation.LocalizationNetwork.localization_fc2.weight.data *= 0.1
    return net.eval().double()


def contents(net: nn.Module) -> dict[str, Any]:
    """What the file of a published network holds."""
    weights = net.state_dict()
    if isinstance(net, Published):
        return {f"module.{name}": value for name, value in weights.items()}
    if isinstance(net, StackMix):
        return {"experiment_state_dict": {}, "model_state_dict": weights}
    parts = {part: getattr(net, part).state_dict() for part in ("encoder", "decoder")}
    return {"models": parts, "optimizers": {}}


def published_file(path: Path, attention: bool = False) -> Published:
    """Write a weight file of None-VGG-BiLSTM with CTC or attention, from random weights; the network that it is of."""
    torch.manual_seed(0)
    net = Published(attention)
    torch.save(contents(scrambled(net).float()), path)
    return net
