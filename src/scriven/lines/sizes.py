"""How much of a lines folder is held in memory or written to one file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamSizes:
    """The sizes of row groups, files and caches; the defaults suit folders of any size."""

    group_rows: int = 256  # rows of a row group, which a reader holds in memory
    shard_rows: int = 4096  # rows of a file; an interrupted writer loses at most these
    shard_bytes: int = 128 << 20  # bytes of pictures in a file, which a writer holds in memory
    cache_bytes: int = 64 << 20  # bytes of row groups cached to look up lines by id


STREAM_SIZES = StreamSizes()
