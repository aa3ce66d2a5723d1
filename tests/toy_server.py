"""A server on this machine that serves files in memory, with ranges, and breaks off or misbehaves as it is told."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Site:
    """The files of a server by name. `cuts`: bytes after which a request ends early, one for each request in turn."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True  # whether ranges are served; else the whole file is
    status: dict[str, int] = field(default_factory=dict)  # names that answer with an error
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # name and range of each request
    port: int = 0

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def row(self, name: str, *checks: str, **more: Any) -> dict[str, Any]:
        """A file as in a table: its address, its name, and those of size, sha256 and md5 that are asked for."""
        data = self.files[name]
        known = {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        }
        return {"address": self.address(name), "name": name, **{key: known[key] for key in checks}, **more}

    def table(self, path: Path, name: str, *files: dict[str, Any], **more: Any) -> Path:
        """Write a table with one data set."""
        row = {"page": "https://example.org/", "licence": "CC0", "files": files, **more}
        path.write_text(json.dumps({name: row}), "utf-8")
        return path


@contextmanager
def serving() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            name = self.path.removeprefix("/").partition("?")[0]
            wanted = self.headers.get("Range")
            site.requests.append((name, wanted))
            if name in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[name])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if name in site.status or name not in site.files:
                self.send_error(site.status.get(name, 404))
                return
            self.answer(site.files[name], wanted)

        def answer(self, data: bytes, wanted: str | None) -> None:
            tag, start = f'"{hashlib.sha256(data).hexdigest()[:16]}"', 0
            if wanted and site.ranges and self.headers.get("If-Range", tag) == tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            cut = site.cuts.pop(0) if site.cuts else len(data)
            self.wfile.write(data[start : start + cut])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def zipped(**files: bytes | str) -> bytes:
    """A zip archive; `__` in a key is a slash, a name with other characters is given by `zipped(**{...})`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes | str, bytes], compression: str = "bz2") -> bytes:
    """A tar archive of (name, content or target of a link, type)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:  # type: ignore[call-overload]
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content
                archive.addfile(info)
    return buffer.getvalue()
