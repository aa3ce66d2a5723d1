"""From stored bytes to readings, without torch."""

DEFAULT_MODEL = "scriven-general"  # the model that reads, adapts and is adapted where none is named
