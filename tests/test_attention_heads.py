"""Attention heads: what is padding is not attended to, steps equal teacher forcing, and a new head copies CTC."""

import pytest
import torch

from scriven.reader.attention_decoder import FIRST
from scriven.recognisers.lafhtr import LocationAttention
from scriven.recognisers.transformer_head import TransformerHead, emitted
from scriven.recognisers.trba.content import ContentAttention
from scriven.text import Charset

LETTERS = Charset(tuple("abcd"))
CLASSES, FEATURES = len(LETTERS) + 1, 6
HEADS = {
    "content": lambda: ContentAttention(CLASSES + FEATURES, 16, len(LETTERS) + FIRST),
    "location": lambda: LocationAttention(CLASSES + FEATURES, 16, len(LETTERS)),
    "transformer": lambda: TransformerHead(CLASSES, FEATURES, 32, 2),
}
PREVIOUS = torch.tensor([[0, 2, 3, 5], [0, 4, 2, 2]])


@pytest.fixture(params=HEADS)
def head(request):
    torch.manual_seed(0)
    return HEADS[request.param]().eval()


def frames(length: int = 9) -> torch.Tensor:
    return torch.randn(2, length, CLASSES + FEATURES, generator=torch.Generator().manual_seed(1))


def test_padding_is_not_attended_to(head):
    steps = torch.tensor([9, 6])
    given = frames()
    padded = torch.cat([given, 5 * frames(4)], 1)
    padded[1, 6:9] = 7.0
    with torch.no_grad():
        torch.testing.assert_close(
            head.forced(padded, steps, PREVIOUS)[0], head.forced(given, steps, PREVIOUS)[0], atol=1e-5, rtol=1e-5
        )
        alone = head.forced(given[1:, :6], steps[1:], PREVIOUS[1:])
        torch.testing.assert_close(head.forced(padded, steps, PREVIOUS)[1:], alone, atol=1e-5, rtol=1e-5)


def test_steps_equal_teacher_forcing(head):
    steps = torch.tensor([9, 6])
    with torch.no_grad():
        expected = head.forced(frames(), steps, PREVIOUS)
        begun = head.begin(frames(), steps)
        constants, states = begun[: len(head.constants)], begun[len(head.constants) :]
        for place, previous in enumerate(PREVIOUS.unbind(1)):
            logits, attention, *states = head.step(previous, *constants, *states)
            torch.testing.assert_close(logits, expected[:, place], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(attention.sum(1), torch.ones(2), atol=1e-4, rtol=1e-4)
            assert (attention[1, 6:] < 1e-3).all()


def test_several_texts_of_one_picture_are_ranked_at_once():
    torch.manual_seed(0)
    head = HEADS["transformer"]().eval()
    steps, one = torch.tensor([9]), frames()[:1]
    with torch.no_grad():
        together = head.several(one, steps, PREVIOUS)
        for text, found in zip(PREVIOUS, together, strict=True):
            torch.testing.assert_close(found, head.forced(one, steps, text[None])[0], atol=1e-5, rtol=1e-5)


def test_a_grown_head_writes_old_characters_as_before(head):
    more = LETTERS.grow("xy")
    if isinstance(head, TransformerHead):
        wider = torch.cat([frames()[:, :, :CLASSES], torch.full((2, 9, 2), -30.0), frames()[:, :, CLASSES:]], 2)
    else:
        wider = frames()
    steps = torch.tensor([9, 9])
    with torch.no_grad():
        old = head.forced(frames(), steps, PREVIOUS)
        new = head.grown(LETTERS, more).eval().forced(wider, steps, PREVIOUS)
    assert new.shape[2] == old.shape[2] + 2
    torch.testing.assert_close(new[:, :, : old.shape[2]], old, atol=1e-4, rtol=1e-4)


def ctc(text: str) -> torch.Tensor:
    """Frames (1, T, C + D) on which CTC reads `text`: two frames a character, then two blanks."""
    path = [c for character in text for c in (*LETTERS.encode(character) * 2, 0, 0)]
    logits = torch.full((len(path), CLASSES), -6.0)
    logits[torch.arange(len(path)), torch.tensor(path)] = 6.0
    return torch.cat([logits, torch.zeros(len(path), FEATURES)], 1)[None]


def test_emitted_counts_the_characters_of_the_best_path():
    counts = emitted(ctc("abb")[:, :, :CLASSES])
    assert counts[0].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]


@pytest.mark.parametrize("text", ["abcd", "aabbccdd", "abcd" * 40])
def test_an_untrained_head_writes_what_ctc_reads(text):
    """For texts of any length: attention follows the places that CTC gives to frames."""
    torch.manual_seed(0)
    head = TransformerHead(CLASSES, FEATURES, 192, 2).eval()
    given = ctc(text)
    previous = torch.tensor([[0, *(c + 1 for c in LETTERS.encode(text))]])
    with torch.no_grad():
        logits = head.forced(given, torch.tensor([given.shape[1]]), previous)
    written = logits[0, :-1, FIRST:].argmax(1) + 1
    assert LETTERS.decode(written.tolist()) == text
