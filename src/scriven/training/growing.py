"""A network for more characters: new rows of its output start from the characters that look most like them."""

from scriven.recognisers.contract import Recogniser
from scriven.scribes.fonts.likeness import nearest
from scriven.text import Charset, name

OUTPUT_LR = 4e-3  # peak learning rate of the output layer alone (docs/experiments/2026-11-30-new-characters.md)


def grown(net: Recogniser, charset: Charset) -> tuple[Recogniser, dict[str, str]]:
    """A copy of `net` that can write `charset` too, and for new characters the old ones whose weights they start from.

    Old characters keep their weights. A new one that no bundled typeface draws is not in the mapping: it starts from
    its letter without the accent, else from the mean of all. Raises ValueError as `Recogniser.grown` does.
    """
    like = nearest((c for c in charset.characters if c not in net.charset), net.charset.characters)
    return net.grown(charset, like), like


def unchanged(old: Recogniser, new: Recogniser) -> list[str]:
    """The modules of a network, by name, whose weights have the same shapes in its copy `new` for more characters."""
    shapes = [{name: tuple(value.shape) for name, value in net.state_dict().items()} for net in (old, new)]
    grew = {name.partition(".")[0] for name, shape in shapes[0].items() if shapes[1][name] != shape}
    parts = dict.fromkeys(name.partition(".")[0] for name in shapes[0])
    return [part for part in parts if part not in grew]


def described(new: tuple[str, ...], like: dict[str, str]) -> str:
    """New characters by name, each with the old one that it starts from."""
    return ", ".join(f"{name(c)}, which starts from {repr(like[c]) if c in like else 'the mean of all'}" for c in new)
