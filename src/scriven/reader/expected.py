"""How many errors a reading is expected to hold, without knowing its text: for now from its confidences alone."""

from scriven.lines import Reading

FACTOR = (1.1, 1.7)  # true CER over expected, lowest and highest of 8 collections: the guess is always too low


def expected_errors(reading: Reading) -> float:
    """Characters of a reading that are expected to be wrong: the sum of what their confidences lack to 1.

    It is too low, as FACTOR says: characters that were passed over have no confidence, and a model is too sure of
    itself in a hand that it does not know. docs/log.md of 2026-11-25 has the eight collections.
    """
    return sum(1 - c.confidence for c in reading.characters)
