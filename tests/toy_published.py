"""The published word recogniser in small, as plain PyTorch with the names of its files, to compare imports with."""

import string
from pathlib import Path

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


class Attention(nn.Module):
    """The attention decoder with the names of its files; greedy, one step for each character."""

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
            state = cell.rnn(torch.cat([context, F.one_hot(before, classes).float()], 1), state)
            found.append(self.generator(state[0]))
        return torch.stack(found, 1)


class Published(nn.Module):
    """None-VGG-BiLSTM with CTC or attention, on pictures of 32 x 100 px from -1 (ink) to 1 (paper)."""

    def __init__(self, attention: bool, channels: int = 64, hidden: int = 32):
        super().__init__()
        self.FeatureExtraction = nn.Module()
        self.FeatureExtraction.ConvNet = vgg(channels)
        self.SequenceModeling = nn.ModuleList()
        for i in (channels, hidden):
            layer = nn.Module()
            layer.rnn = nn.LSTM(i, hidden, bidirectional=True, batch_first=True)
            layer.linear = nn.Linear(2 * hidden, hidden)
            self.SequenceModeling.append(layer)
        count = len(CHARACTERS)
        self.Prediction = Attention(hidden, hidden, count + 2) if attention else nn.Linear(hidden, count + 1)

    def forward(self, images: Tensor, *previous: Tensor) -> Tensor:
        x = self.FeatureExtraction.ConvNet(images).mean(2).transpose(1, 2)
        for layer in self.SequenceModeling:
            x = layer.linear(layer.rnn(x)[0])
        return self.Prediction(x, *previous)


def published_file(path: Path, attention: bool = False) -> Published:
    """Write a weight file as the benchmark does, from random weights; the network in evaluation mode."""
    torch.manual_seed(0)
    net = Published(attention)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # so that statistics matter
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    torch.save({f"module.{name}": value for name, value in net.state_dict().items()}, path)
    return net.eval()
