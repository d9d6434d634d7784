"""File systems that are no local disk: S3 as moto speaks it on loopback, and one in memory whose moves are seen."""

from __future__ import annotations

import io
import logging
import posixpath
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import fs as pafs

from w2v_spark.storage import Directory


class S3Server:
    """A server of the S3 protocol, and requests that it refuses.

    Attributes
    ----------
    uri : str
        Of a bucket; the options of pyarrow behind ``?`` say where the server is.
    refuse : callable
        Takes the number, method and path of a request, and says whether it is answered by 503.
    headers : list
        Names of the headers of all PUT and POST requests.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._lock, self._requests = threading.Lock(), 0
        self.refuse: Callable[[int, str, str], bool] = lambda *_: False
        self.refused = 0
        self.headers: set[str] = set()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        options = f"scheme=http&endpoint_override=127.0.0.1:{self._server.port}&region=us-east-1"
        self._uri = f"s3://key:secret@lake{{}}?{options}&allow_bucket_creation=true"
        Directory.open(self.uri("")).create()

    def uri(self, path: str) -> str:
        """Of something in the bucket."""
        return self._uri.format(f"/{path}" if path else "")

    def close(self) -> None:
        self._server.shutdown()

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            self._requests += 1
            number = self._requests
            if method in ("PUT", "POST"):
                self.headers |= {key.removeprefix("HTTP_") for key in environ if key.startswith("HTTP_")}
        if self.refuse(number, method, path):
            self.refused += 1
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        answer: Iterable[bytes] = self._app(environ, start)
        return answer


class MemoryStore(pafs.FileSystemHandler):  # type: ignore[misc]
    """Files in memory. A file is there when it is closed; a move copies, waits, and removes, and is seen meanwhile."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, float]] = {}
        self.folders: set[str] = set()

    def get_type_name(self) -> str:
        return "memory"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [self._info(path.rstrip("/")) for path in paths]

    def _info(self, path: str) -> pafs.FileInfo:
        found = self.files.get(path)
        if found is not None:
            return pafs.FileInfo(path, pafs.FileType.File, size=len(found[0]), mtime=found[1])
        is_folder = path in self.folders or any(file.startswith(f"{path}/") for file in list(self.files))
        return pafs.FileInfo(path, pafs.FileType.Directory if is_folder else pafs.FileType.NotFound)

    def get_file_info_selector(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        base = selector.base_dir.rstrip("/")
        below = [path for path in {*list(self.files), *list(self.folders)} if path.startswith(f"{base}/")]
        if not selector.recursive:
            below = [f"{base}/{path.removeprefix(f'{base}/').partition('/')[0]}" for path in below]
        if not below and not selector.allow_not_found and self._info(base).type == pafs.FileType.NotFound:
            raise FileNotFoundError(base)
        infos = [self._info(path) for path in sorted(set(below))]
        return [info for info in infos if info.type != pafs.FileType.NotFound]

    def create_dir(self, path: str, recursive: bool) -> None:
        while path.strip("/"):
            self.folders.add(path)
            path = posixpath.dirname(path) if recursive else ""

    def delete_dir(self, path: str) -> None:
        for file in sorted(self.files):
            if file.startswith(f"{path}/"):
                time.sleep(0.0005)
                self.files.pop(file, None)
        self.folders = {folder for folder in self.folders if folder != path and not folder.startswith(f"{path}/")}

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        raise NotImplementedError

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        if self.files.pop(path, None) is None:
            raise FileNotFoundError(path)

    def move(self, src: str, dest: str) -> None:
        moved = [path for path in sorted(self.files) if path == src or path.startswith(f"{src}/")]
        if not moved:
            raise FileNotFoundError(src)
        for path in moved:
            self.files[f"{dest}{path.removeprefix(src)}"] = self.files[path]
            time.sleep(0.001)
        for path in moved:
            self.files.pop(path, None)

    def copy_file(self, src: str, dest: str) -> None:
        self.files[dest] = (self._content(src), time.time())

    def _content(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][0]

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(io.BytesIO(self._content(path)), mode="r")

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(io.BytesIO(self._content(path)), mode="r")

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        return pa.PythonFile(_Sink(self, path), mode="w")

    def open_append_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        raise NotImplementedError


class _Sink(io.BytesIO):
    """A file that is being written."""

    def __init__(self, store: MemoryStore, path: str) -> None:
        super().__init__()
        self._store, self._path = store, path

    def close(self) -> None:
        if not self.closed:
            self._store.files[self._path] = (self.getvalue(), time.time())
        super().close()


@contextmanager
def memory_store(patch: Callable[[Any, str, Any], None]) -> Iterator[MemoryStore]:
    """Let `Directory.open` know ``memory:///...``."""
    store, original = MemoryStore(), Directory.open.__func__  # type: ignore[attr-defined]
    filesystem = pafs.PyFileSystem(store)

    def open_(cls: type[Directory], uri: Any) -> Directory:
        if str(uri).startswith("memory://"):
            return Directory(str(uri).rstrip("/"), filesystem, str(uri).removeprefix("memory://").rstrip("/"))
        opened: Directory = original(cls, uri)
        return opened

    patch(Directory, "open", classmethod(open_))
    yield store
