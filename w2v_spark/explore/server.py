"""A folder on loopback, for the browser of this machine alone."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name

HOST: Final = "127.0.0.1"
_HIGHEST_PORT: Final = 65_535


class _Handler(SimpleHTTPRequestHandler):
    """Files of a folder: no lists of files, and no answers to pages of other names, which would read them."""

    extensions_map = {  # noqa: RUF012  # not this machine's own table, which may say anything
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        "": "application/octet-stream",
    }

    def send_head(self) -> Any:
        """Refuse other names of this machine: a page from elsewhere may have one that leads here."""
        name = (self.headers.get("Host") or "").rpartition(":")[0]
        if name not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Loopback(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without the name of this machine, which would be asked for on the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]


class Server:
    """A server that has its port, and serves a folder once it is told which.

    Parameters
    ----------
    port : int
        0 for any that is free.

    Raises
    ------
    ConfigError
        The port is taken, may not be used, or is no port.
    """

    def __init__(self, port: int) -> None:
        if not 0 <= port <= _HIGHEST_PORT:
            raise ConfigError(Name("port"), f" = {port} is not allowed: expected 0 to {_HIGHEST_PORT}")
        try:
            self._server = _Loopback((HOST, port), _Handler)
        except OSError as error:
            raise ConfigError(
                Name("port"), f" = {port} cannot be used on {HOST} ({error.strerror}); choose another one, or 0 for any"
            ) from error
        self._is_serving = False

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def serve(self, folder: str) -> None:
        """Serve a local folder until Ctrl-C, or until `close` is called."""
        self._server.RequestHandlerClass = partial(_Handler, directory=folder)
        self._is_serving = True
        try:
            self._server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:  # how it is meant to end
            pass
        finally:
            self._server.server_close()

    def close(self) -> None:
        """End `serve` in another thread, or give the port back where it has not begun."""
        if self._is_serving:  # a server that has never begun would be waited for
            self._server.shutdown()
        self._server.server_close()
