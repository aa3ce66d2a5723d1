"""Training in several processes, replicas and parts of a batch computes what one network computes."""

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from scriven.jobs.train import train
from scriven.tensors import Batch
from scriven.text import Charset
from scriven.training import fit as fitting
from scriven.training.checkpoint import load_net
from scriven.training.loader import AugmentSchedule, Stream
from toy_training import WORDS, lines, no_export, plan, settings  # noqa: F401

DDP = """
import os, sys, torch
torch.set_num_threads(1)
from pathlib import Path
from lightning_fabric import Fabric
from scriven.jobs import train as job
fabric = Fabric(accelerator="cpu", devices=2, num_nodes=1, strategy="ddp", precision="32-true")
job.fabric_of = lambda settings: fabric
settings = job.TrainSettings(steps=3, size="tiny", batch_width_px=600, evaluations=1, ramp=1)
job.train([sys.argv[1]], sys.argv[2], settings=settings)
"""


@pytest.mark.slow
def test_two_processes_train_one_network(lines, tmp_path):
    script = tmp_path / "ddp.py"
    script.write_text(DDP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    workers = []
    for rank in "01":
        env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": rank, "LOCAL_RANK": rank,
               "WORLD_SIZE": "2", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "test",
               "OMP_NUM_THREADS": "1"}  # fmt: skip
        workers.append(subprocess.Popen([sys.executable, script, lines, tmp_path / "m"], env=env))
    assert [w.wait(timeout=240) for w in workers] == [0, 0]
    net, info = load_net(tmp_path / "m")
    assert info.scores["valid"]["n"] == 8
    assert all(torch.isfinite(p).all() for p in net.parameters())


@pytest.mark.slow
def test_the_command_trains_in_two_processes_and_logs_once(lines, tmp_path):
    command = shutil.which("scriven", path=os.path.dirname(sys.executable))
    assert command, "scriven is not installed beside this Python"
    given = [
        "--size",
        "tiny",
        "--steps",
        "2",
        "--set",
        "devices=2",
        "--set",
        "device=cpu",
        "--set",
        "batch_width_px=600",
    ]
    done = subprocess.run(
        [command, "train", lines, "-o", tmp_path / "m", *given, "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 2
    assert load_net(tmp_path / "m")


def test_gradients_of_replicas_sum_to_that_of_the_whole_batch(lines):
    from lightning_fabric import Fabric

    from scriven.recognisers import build
    from scriven.training.replicas import Replicas

    fabric = Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(0)
    net = build("convtext", Charset(tuple(sorted(set("".join(WORDS))))), size="tiny").eval()  # no dropout
    batch = next(iter(Stream(plan(lines), AugmentSchedule(ramp=1))))[2]
    assert len(batch) > 3
    loss = net.loss(batch)
    whole = torch.autograd.grad(loss, list(net.parameters()))
    replicas = Replicas(net, 3, 1, fabric)
    for copied in replicas.nets:
        copied.eval()  # fixed batch statistics, the same for the parts and the whole
    for _ in range(2):  # gradients accumulate, as for a batch computed in parts
        assert replicas.backward(batch, 0.0, 0.5).item() == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(net.parameters(), whole, strict=True):
        assert torch.allclose(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_replicas_share_weights_and_average_batch_statistics(lines, tmp_path):
    alone = train([lines], tmp_path / "one", settings=settings(replicas=1))
    together = train([lines], tmp_path / "two", settings=settings(replicas=2))
    assert together.progress.step == alone.progress.step
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    mean = "stem.norm.running_mean"
    assert not torch.equal(two[mean], torch.zeros_like(two[mean]))
    assert torch.allclose(one[mean], two[mean], rtol=0.2, atol=0.02)  # of the same pictures, in two parts


def test_the_parts_of_a_batch_hold_all_its_lines_in_order():
    batch = Batch(torch.arange(5.0)[:, None, None, None], torch.arange(5), tuple("abcde"), tuple("vwxyz"))
    parts = batch.parts(3)
    assert [len(part) for part in parts] == [2, 1, 2]
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    assert "".join(t for part in parts for t in part.texts) == "abcde"
    assert len(batch.parts(9)) == 5


def test_gradients_of_sub_batches_sum_to_that_of_the_batch(lines):
    from lightning_fabric import Fabric

    from scriven.recognisers import build

    fabric = Fabric(accelerator="cpu", devices=1)
    chosen = settings(replicas=1)
    torch.manual_seed(0)
    net = build("convtext", Charset(tuple(sorted(set("".join(WORDS))))), size="tiny")
    run = fitting.begin(net, chosen, fabric)
    run.net.eval()  # fixed batch statistics, no dropout
    batch = next(iter(Stream(plan(lines), AugmentSchedule(ramp=1))))[2]
    found = []
    for pieces in (1, 4):
        run.optimizer.zero_grad(set_to_none=True)
        loss = fitting.backward(run, batch, chosen, fabric, pieces)
        found.append((loss.item(), [p.grad.clone() for p in net.parameters()]))
    (whole, one), (pieced, four) = found
    assert pieced == pytest.approx(whole, rel=1e-5)
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(one, four, strict=True))
