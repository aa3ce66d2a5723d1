"""Parts of a new network started from a file of weights (`train --init`): pretrained trunks, or any file that fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from scriven.base import InputError, counted
from scriven.recognisers import build
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.published import PUBLISHED, TRUNKS, as_published
from scriven.text import Charset
from scriven.training.checkpoint import load_tensors
from scriven.training.weight_files import load_weights

NAMED = 4  # tensors that a sentence names
OTHER_CHARACTERS = "it depends on the character set; `import-model` or `--from` keep it"


@dataclass(frozen=True)
class Scheme:
    """The names that the tensors of a network have in a file: here, there."""

    description: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class InitialWeights:
    """What was loaded. `loaded`: names here; `left_out`: names in the file, with reasons; `random`: names here."""

    file: str
    scheme: str
    loaded: tuple[str, ...]
    left_out: Mapping[str, str]
    random: tuple[str, ...]

    def sentence(self) -> str:
        """How many tensors were loaded, and what is not in the file or was left out of it."""
        parts = [f"{counted(len(self.loaded), 'tensor')} of {self.file} loaded, by {self.scheme}"]
        if self.left_out:
            parts.append(f"{len(self.left_out)} of the file left out: {_some(self.left_out)}")
        if self.random:
            parts.append(f"{len(self.random)} of the network start at random: {_some(dict.fromkeys(self.random, ''))}")
        return "; ".join(parts)


def initialised(net: Recogniser, network: str, file: str | Path) -> InitialWeights:
    """Load into `net` what fits of a file of weights, or of the weights of a model folder.

    A tensor fits if its name, by one of the schemes of `network`, and its shape are those of the network. The scheme
    that fits most is taken. Tensors that depend on the character set stay as they are, as a file does not tell its
    characters. Raises InputError if the file cannot be read, or if nothing in it fits.
    """
    tensors, own = _read(Path(file)), net.state_dict()
    bound = _of_characters(net, network)
    schemes = [*_schemes(network, own, tensors)]
    fitting = [[here for here, there in one.names.items() if _fits(own, here, tensors, there)] for one in schemes]
    best = max(range(len(schemes)), key=lambda number: len(fitting[number]))
    names, found = schemes[best].names, [here for here in fitting[best] if here not in bound]
    if not any(own[here].ndim for here in found):  # the scalars, counts of batches, say nothing
        raise InputError(_nothing(file, network, tensors, schemes, own))
    with torch.no_grad():
        for here in found:
            own[here].copy_(tensors[names[here]])
    loaded = {names[here] for here in found}
    there_to_here = {there: here for here, there in names.items()}
    left_out = {
        there: _reason(there_to_here.get(there), own, tensor, bound)
        for there, tensor in tensors.items()
        if there not in loaded
    }
    rest = tuple(here for here in own if here not in set(found))
    return InitialWeights(str(file), schemes[best].description, tuple(found), left_out, rest)


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a file, without what a wrapper put before all names. Raises InputError."""
    if file.is_dir():
        file = file / "weights.safetensors"
    if not file.is_file():
        raise InputError(f"there is no file of weights {file}; check the path")
    return dict(as_published(load_tensors(file) if file.suffix == ".safetensors" else load_weights(file)))


def _schemes(network: str, own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[Scheme]:
    """The network's own names, those of published files of it, and those of pretrained trunks."""
    found = [Scheme(f"the names of the network {network}", {name: name for name in own})]
    for one in PUBLISHED:
        if one.network == network and any(name.startswith(one.mark) for name in tensors):
            found += _tried(f"the names of {one.name}", lambda one=one: one.names(tensors))  # type: ignore[misc]
    found += [Scheme(f"the names of {trunk.name}", trunk.names()) for trunk in TRUNKS if trunk.network == network]
    return found


def _tried(description: str, names: Callable[[], Mapping[str, str]]) -> list[Scheme]:
    try:
        return [Scheme(description, names())]
    except KeyError:  # a tensor from which the sizes of that network are told is not in the file
        return []


def _fits(own: Mapping[str, Tensor], here: str, tensors: Mapping[str, Tensor], there: str) -> bool:
    return here in own and there in tensors and own[here].shape == tensors[there].shape


def _of_characters(net: Recogniser, network: str) -> set[str]:
    """The tensors of a network whose shapes depend on the number of its characters."""
    more = net.charset.grow({chr(0xF8FF)})  # a private character
    with torch.device("meta"):
        other = build(network, Charset(more.characters), **net.sizes).state_dict()
    return {name for name, value in net.state_dict().items() if other[name].shape != value.shape}


def _reason(here: str | None, own: Mapping[str, Tensor], tensor: Tensor, bound: set[str]) -> str:
    if here is None or here not in own:
        return "the network has no such part"
    if here in bound:
        return OTHER_CHARACTERS
    return f"its shape is {_shape(tensor)}, that of the network's {here} {_shape(own[here])}"


def _nothing(
    file: str | Path,
    network: str,
    tensors: Mapping[str, Tensor],
    schemes: list[Scheme],
    own: Mapping[str, Tensor],
) -> str:
    """What the file has, and what was expected in its place."""
    has = ", ".join(f"{name} {_shape(value)}" for name, value in list(tensors.items())[:NAMED])
    wanted = []
    for one in schemes:
        first = [(here, there) for here, there in one.names.items() if here in own][:2]
        wanted.append(f"{one.description} ({', '.join(f'{there} {_shape(own[here])}' for here, there in first)}, ...)")
    return (
        f"no tensor of {file} ({has}, ...) fits the network {network} in name and shape; expected are "
        f"{'; or '.join(wanted)}; give such a file, or leave init out"
    )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _some(named: Mapping[str, str]) -> str:
    """The first names, each with its reason, and how many there are besides."""
    shown = [f"{name} ({why})" if why else name for name, why in list(named.items())[:NAMED]]
    return ", ".join([*shown, *([f"and {len(named) - NAMED} more"] if len(named) > NAMED else [])])
