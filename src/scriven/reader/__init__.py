"""Reading: the graphs of a model are run on pictures and decoded, without torch."""

DEFAULT_MODEL = "scriven-general"  # the bundled model used if none is named
