"""The part of `bench` that writes with generators: the flow scribe, and WordStylist's loop beside it."""

import string
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from scriven.reader.model import bundled, find_model, read_json
from scriven.scribes.flow.columns import COLUMN, HEIGHT, covered
from scriven.scribes.flow.generator import Generator
from scriven.scribes.flow.model import NETWORK, Hand, ScribeInfo
from scriven.scribes.flow.network import FlowNetwork
from scriven.scribes.flow.settings import FLOW_DEFAULTS
from scriven.scribes.wordstylist.network import Words, WordStylist
from scriven.scribes.wordstylist.noise import NOISE_STEPS, ddpm
from scriven.scribes.wordstylist.sampling import SHAPE
from scriven.tensors import torch_threads
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_tensors
from scriven.training.flow_publish import publish_scribe

WORD, LINE = (8, 192), (40, 640)  # characters and px
HANDS = 339  # of the network of WordStylist as it was published
CALLS = 2 * (NOISE_STEPS - 1)  # of the network for a word in the published loop
MEASURED = 20  # of them


class FlowBenchmark:
    """The bundled flow scribe, else one of the default size with random weights, on one thread.

    Use it in a `with` statement: the folder of the latter is temporary.
    """

    def __init__(self) -> None:
        self._place = TemporaryDirectory(prefix="scriven-bench-")
        names = [name for name in bundled() if read_json(find_model(name)).get("network") == NETWORK]
        self.name = names[0] if names else f"{NETWORK} of the default size, random weights"
        model = find_model(names[0]) if names else _random_scribe(Path(self._place.name) / "model")
        self._generator = Generator.load(model, threads=1)
        self._style = self._generator.styled(self._generator.hands[0])
        self._seeds = count()

    def __enter__(self) -> "FlowBenchmark":
        return self

    def __exit__(self, *_: object) -> None:
        self._place.cleanup()

    def writer(self, shape: tuple[int, int], each: int) -> Callable[[], object]:
        """A function that writes `each` pictures of so many characters in so many px, of different noise."""
        characters, width = shape
        classes = 1 + np.arange(characters, dtype=np.int64) % len(self._generator.charset)
        columns, step = width // COLUMN, width / characters
        edges = np.arange(characters)[:, None] * step + [0.0, step]

        def write() -> None:
            for _ in range(each):
                rng = np.random.default_rng(next(self._seeds))
                self._generator.edges(classes, self._style, rng.standard_normal(characters), 0.0)
                noise = rng.standard_normal((columns, self._generator.code)).astype(np.float32)
                layout = covered(classes, edges, columns)
                picture = self._generator.draw(layout, [(self._style, 1.0)], noise, FLOW_DEFAULTS)
                assert picture.shape == (HEIGHT, width)

        return write


class Loop(NamedTuple):
    """CPU-seconds of single calls of WordStylist's network in its loop."""

    seconds: tuple[float, ...]

    @property
    def word(self) -> float:
        """CPU-seconds of a word: the mean of the calls that were measured, times CALLS."""
        return CALLS * sum(self.seconds) / len(self.seconds)


@torch.inference_mode()
def wordstylist_loop(net: WordStylist | None = None) -> Loop:
    """Run MEASURED calls of the published loop, in which the same prediction is made twice at each of 999 steps.

    `net`: by default the published network with random weights. The autoencoder is not run.
    """
    letters = Charset(tuple(string.ascii_uppercase + string.ascii_lowercase))
    net = net or WordStylist(letters, HANDS, padding="seen").eval()
    with torch_threads():
        word, seen = net.word(*Words.of(["MOVE"], net.charset, net.longest))
        hand = net.hand(torch.zeros(1, dtype=torch.int64))
        spent = list[float]()

        def call(noisy: torch.Tensor, at: int) -> torch.Tensor:
            begun = time.process_time()
            found: torch.Tensor = net(noisy, torch.tensor([at]), word, seen, hand)
            spent.append(time.process_time() - begun)
            return found

        def predict(noisy: torch.Tensor, at: int) -> torch.Tensor:
            return torch.lerp(call(noisy, at), call(noisy, at), 3.0)

        random = torch.Generator().manual_seed(0)
        call(torch.randn(SHAPE, generator=random), NOISE_STEPS - 1)  # the first call is not measured
        ddpm(predict, torch.randn(SHAPE, generator=random), lambda: torch.randn(SHAPE, generator=random), MEASURED // 2)
    return Loop(tuple(spent[1:]))


def _random_scribe(folder: Path) -> Path:
    torch.manual_seed(0)
    charset = Charset(tuple(string.ascii_letters + string.digits + " "))
    net = FlowNetwork(charset).eval()
    folder.mkdir(parents=True)
    save_tensors(folder / WEIGHTS, net.state_dict())
    ink = np.zeros((COLUMN * 48, HEIGHT), np.float32)
    ink[::COLUMN] = 1
    hand = Hand("a hand", ink, np.ones(1, np.int64), np.array([[0.0, 16.0]]))
    publish_scribe(folder, net, ScribeInfo(sizes=net.sizes, charset=charset.characters), [hand])
    return folder
