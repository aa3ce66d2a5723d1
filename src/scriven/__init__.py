"""Scriven reads handwriting, and learns a new hand without labels."""

__version__ = "0.1.0"
