"""An object store on this machine that is fast enough to be measured through: the S3 protocol, objects in memory.

    python -m tests.object_store ADDRESS PORT

What `pyarrow.fs` asks for and no more; whoever asks may do everything. moto knows the protocol far better, and takes
thirty milliseconds of a core for each request.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.network import HUB, Network

ROOT: Final = Path(__file__).resolve().parents[1]
PORT: Final = 9000  # on a host of its own
DEADLINE: Final = 30.0
FETCH: Final = "import sys; from pyarrow import fs; fs.copy_files(sys.argv[1], sys.argv[2])"
BUCKET: Final = "lake"
PAGE: Final = 1000  # keys in an answer
NAMESPACE: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
DATE: Final = "2026-01-01T00:00:00.000Z"
HTTP_DATE: Final = "Thu, 01 Jan 2026 00:00:00 GMT"


def uri_of(address: str, port: int, path: str) -> str:
    """What pyarrow opens, of something in the bucket."""
    options = f"scheme=http&endpoint_override={address}:{port}&region=us-east-1&allow_bucket_creation=true"
    return f"s3://key:secret@{BUCKET}/{path}?{options}"


@contextlib.contextmanager
def store_on(network: Network, host: str) -> Iterator[Callable[[str], str]]:
    """A store on a host of a network, ended with the block; what gives the URI of a path in it."""
    address = network.address(host)
    command = network.command(host, sys.executable, "-m", "tests.object_store", address, PORT)
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    try:
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                network.call(socket.create_connection, (address, PORT)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield partial(uri_of, address, PORT)
    finally:
        process.kill()
        process.wait()


def fetch(network: Network, uri: str, directory: Path) -> Path:
    """Copy what is below a URI of a store in a network to a directory of this machine."""
    directory.mkdir()
    command = network.command(HUB, sys.executable, "-c", FETCH, uri, directory)
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE)
    return directory


@dataclass
class Objects:
    """What is stored, by key, and the parts of what is not whole yet."""

    whole: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def listed(self, prefix: str, delimiter: str, after: str, most: int) -> tuple[list[str], list[str], str]:
        """Keys, common beginnings, and the last key looked at where there are more."""
        with self.lock:
            keys = sorted(key for key in self.whole if key.startswith(prefix) and key > after)
        found, folders, last = list[str](), dict[str, None](), ""
        for key in keys:
            if len(found) + len(folders) == most:
                return found, list(folders), last
            last = key
            rest, mark, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
            if mark:
                folders[f"{prefix}{rest}{mark}"] = None
            else:
                found.append(key)
        return found, list(folders), ""


class Handler(BaseHTTPRequestHandler):
    """One connection, which carries request after request."""

    protocol_version = "HTTP/1.1"
    objects: Objects

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._get(with_body=False)

    def do_GET(self) -> None:
        key, query = self._asked()
        if key:
            self._get(with_body=True)
            return
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        most = min(int(query.get("max-keys", PAGE)), PAGE)
        keys, folders, last = self.objects.listed(prefix, query.get("delimiter", ""), after, most)
        sizes = {name: len(self.objects.whole.get(name, b"")) for name in keys}
        entries = [
            f"<Contents><Key>{escape(name)}</Key><LastModified>{DATE}</LastModified><Size>{size}</Size></Contents>"
            for name, size in sizes.items()
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders]
        more = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if last else ""
        counted = f"<KeyCount>{len(entries)}</KeyCount><IsTruncated>{'true' if last else 'false'}</IsTruncated>"
        self._answer_xml("ListBucketResult", f"{counted}{more}{''.join(entries)}")

    def do_PUT(self) -> None:
        key, query = self._asked()
        data, source = self._body(), self.headers.get("x-amz-copy-source")
        if source is not None:
            _, _, other = unquote(source).lstrip("/").partition("/")
            if other not in self.objects.whole:
                self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            data = self.objects.whole[other]
        with self.objects.lock:
            if "partNumber" in query:
                self.objects.parts[query["uploadId"]][int(query["partNumber"])] = data
            elif key:
                self.objects.whole[key] = data
        if source is not None:
            self._answer_xml("CopyObjectResult", f"<ETag>{self._tag()}</ETag>")
        else:
            self._answer(200, b"", ETag=self._tag())

    def do_POST(self) -> None:
        key, query = self._asked()
        body = self._body()
        if "delete" in query:
            names = [each.text or "" for each in ElementTree.fromstring(body).iter() if each.tag.endswith("Key")]
            with self.objects.lock:
                for name in names:
                    self.objects.whole.pop(name, None)
            self._answer_xml("DeleteResult", "")
        elif "uploads" in query:
            upload = str(next(self.objects.numbers))
            self.objects.parts[upload] = {}
            self._answer_xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        else:
            with self.objects.lock:
                parts = self.objects.parts.pop(query["uploadId"])
                self.objects.whole[key] = b"".join(parts[number] for number in sorted(parts))
            self._answer_xml("CompleteMultipartUploadResult", f"<ETag>{self._tag()}</ETag>")

    def do_DELETE(self) -> None:
        key, query = self._asked()
        with self.objects.lock:
            if "uploadId" in query:
                self.objects.parts.pop(query["uploadId"], None)
            else:
                self.objects.whole.pop(key, None)
        self._answer(204, b"")

    def _get(self, with_body: bool) -> None:
        key, _ = self._asked()
        is_bucket = not key and urlsplit(self.path).path.strip("/") == BUCKET  # pyarrow asks for one that is not there
        data = b"" if is_bucket else self.objects.whole.get(key)
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
            return
        size, asked = len(data), self.headers.get("Range", "")
        headers = {"ETag": self._tag(), "Last-Modified": HTTP_DATE, "Accept-Ranges": "bytes"}
        if asked and with_body:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1 if last else size, size)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self._answer(206, memoryview(data)[start:end], **headers)
        elif with_body:
            self._answer(200, data, **headers)
        else:
            self._answer(200, b"", **{**headers, "Content-Length": str(size)})

    def _asked(self) -> tuple[str, dict[str, str]]:
        """The key, empty for the bucket, and the query."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).lstrip("/").partition("/")[2], query

    def _body(self) -> bytes:
        """What was sent, without the sizes and checksums that a client may have put between."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        else:
            data = b"".join(self._chunks())
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return data
        found, start = [], 0
        while size := int(data[start : (end := data.index(b"\r\n", start))].partition(b";")[0], 16):
            found.append(data[end + 2 : end + 2 + size])
            start = end + 4 + size
        return b"".join(found)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _tag(self) -> str:
        return f'"{next(self.objects.numbers):032x}"'

    def _answer_xml(self, element: str, content: str) -> None:
        text = f'<?xml version="1.0" encoding="UTF-8"?><{element} {NAMESPACE}>{content}</{element}>'
        self._answer(200, text.encode(), **{"Content-Type": "application/xml"})

    def _answer(self, status: int, body: bytes | memoryview, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if len(body):
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves the objects of one bucket, which need not be made."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, port), type("Handler", (Handler,), {"objects": Objects()}))


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2])).serve_forever()
