"""How much of a lines folder is in memory or in one file at a time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamSizes:
    """The sizes of row groups, files and caches; the defaults suit folders of any size."""

    group_rows: int = 256  # rows of a row group: what a reader holds in memory at a time
    shard_rows: int = 4096  # rows of a file: what an interrupted writer loses at most
    shard_bytes: int = 128 << 20  # of pictures in a file: what a writer holds in memory at most
    cache_bytes: int = 64 << 20  # of row groups that a reader keeps to look up lines by id


STREAM_SIZES = StreamSizes()
