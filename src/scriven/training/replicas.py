"""Data-parallel training within one process: each thread computes a part of the batch.

PyTorch's own threads share every single operation and are synchronised after it. `small`, float32, lines of 1024 px,
two cores, px of width per second: 13,700 with two threads in every operation, 17,600 with two replicas.
"""

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import torch
from lightning_fabric import Fabric
from torch import Tensor

from scriven.recognisers.contract import Recogniser
from scriven.tensors import Batch


class Replicas:
    """A network and copies that share its weights; the batch statistics of all are averaged into those of the network.

    `threads` threads of PyTorch are divided among `count` replicas. With more than one replica, dropout differs from
    run to run.
    """

    def __init__(self, net: Recogniser, count: int, threads: int, fabric: Fabric):
        shared = {id(p): p for p in net.parameters()}
        self.nets = [net, *(copy.deepcopy(net, dict(shared)).train() for _ in range(count - 1))]
        self.fabric = fabric
        self.refresh()
        each = max(1, threads // count)
        self.pool = ThreadPoolExecutor(count, "replica", initializer=torch.set_num_threads, initargs=(each,))

    def refresh(self) -> None:
        """Take note of which weights of the network require a gradient."""
        self.weights = [p for p in self.nets[0].parameters() if p.requires_grad]

    def backward(self, batch: Batch, smoothing: float, scale: float = 1.0) -> Tensor:
        """Accumulate the gradients of `scale` times the loss of the whole batch; returns the loss.

        Raises TextError as the loss of the network does.
        """
        parts = batch.parts(len(self.nets))
        letters = [sum(map(len, part.texts)) for part in parts]
        shares = [n / max(sum(letters), 1) for n in letters]  # the loss is a mean over characters
        self._spread()
        tasks = [
            self.pool.submit(self._gradients, net, part, smoothing, scale * share)
            for net, part, share in zip(self.nets, parts, shares, strict=False)
        ]
        wait(tasks)
        done = [task.result() for task in tasks]
        self._gather([gradients for _, gradients in done])
        self._average(len(done))
        return torch.stack([loss * share for (loss, _), share in zip(done, shares, strict=True)]).sum()

    def _gradients(self, net: Recogniser, part: Batch, smoothing: float, scale: float) -> tuple[Tensor, list[Tensor]]:
        with self.fabric.autocast():
            loss = net.loss(part, smoothing)
        found = torch.autograd.grad(loss * scale, self.weights)
        return loss.detach(), list(found)

    def _gather(self, every: Sequence[list[Tensor]]) -> None:
        total = every[0]
        for more in every[1:]:
            torch._foreach_add_(total, more)
        for weight, gradient in zip(self.weights, total, strict=True):
            weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)

    @torch.no_grad()
    def _spread(self) -> None:
        """Copy the batch statistics of the network to every replica."""
        for net in self.nets[1:]:
            for theirs, ours in zip(net.buffers(), self.nets[0].buffers(), strict=True):
                theirs.copy_(ours)

    @torch.no_grad()
    def _average(self, used: int) -> None:
        """Set the network's batch statistics to the mean of those of the replicas that computed a part.

        Modules in evaluation mode, such as frozen ones, keep theirs.
        """
        for modules in zip(*(net.modules() for net in self.nets[:used]), strict=True):
            if not modules[0].training:
                continue
            for ours, *others in zip(*(module.buffers(recurse=False) for module in modules), strict=True):
                if ours.is_floating_point():
                    ours.copy_(torch.stack([ours, *others]).mean(0))
