"""From stored bytes to readings, without torch."""

DEFAULT = "scriven-general"  # the model that reads, adapts and is adapted where none is named
