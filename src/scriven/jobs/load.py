"""Load a model once to read with it many times."""

from collections.abc import Iterable
from pathlib import Path

from scriven.images import Grey
from scriven.jobs.read import PageStream, ReadResult, ReadSettings
from scriven.jobs.read import load as load_reader
from scriven.lines import Reading
from scriven.reader.model import DEFAULT_MODEL, ModelInfo
from scriven.text import Charset


class LoadedModel:
    """A recogniser with its decoder, ready to read; made by `load`."""

    def __init__(self, model: str | Path, settings: ReadSettings):
        self.model, self.settings = model, settings
        self._reader, self._decoder = load_reader(model, settings)

    @property
    def info(self) -> ModelInfo:
        """The contents of its model.json."""
        return self._reader.info

    @property
    def charset(self) -> Charset:
        """The characters that it can read."""
        return self._reader.charset

    def read(self, inputs: str | Path | Iterable[str | Path]) -> ReadResult:
        """Read pictures, folders or lines folders, as `scriven.read` does.

        Skipped inputs are part of the result. Raises InputError if nothing could be read.
        """
        return self.stream(inputs).collect()

    def stream(self, inputs: str | Path | Iterable[str | Path]) -> PageStream:
        """An iterator over the pages, for results that do not fit into memory."""
        return PageStream(inputs, self.model, self.settings, (self._reader, self._decoder))

    def read_image(self, image: Grey, id: str = "image") -> Reading:
        """Read one line from an array: grey `uint8` (H, W), 255 paper and 0 ink. Raises ImageError."""
        picture = self._reader.prepare(id, image)
        (reading,) = self._reader.read_prepared([picture], self._decoder)
        return reading


def load(model: str | Path = DEFAULT_MODEL, settings: ReadSettings | None = None) -> LoadedModel:
    """Load a model, by the path of its folder or the name of a bundled one, to read with it many times.

    `settings`: how to read (language model, beam, threads); see `ReadSettings`. Raises ModelError and SettingsError.

    >>> import scriven
    >>> model = scriven.load("scriven-general")
    >>> result = model.read("line.png")
    >>> result.lines[0].text == result.text
    True
    >>> 0 <= result.lines[0].reading.confidence <= 1
    True
    """
    return LoadedModel(model, (settings or ReadSettings()).only_reading("load"))
