"""The command ``explore`` and its server: folders that appear whole, and what is refused."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.commands import explore
from tests.unit.hostile import HOSTILE
from tests.unit.test_explore import unit_rows
from tests.unit.vector_files import make_table
from w2v_spark.errors import ConfigError
from w2v_spark.explore.server import Server


@pytest.fixture(autouse=True)
def _without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2v_spark.explore.layout.find_spec", lambda _: None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    words = [*HOSTILE, *(f"w{row}" for row in range(150))]
    return make_table(tmp_path / "model", words, 3 * unit_rows(len(words)))


class TestServer:
    def test_serves_a_folder_to_this_machine_alone(self, tmp_path: Path) -> None:
        for name in ("index.html", "x.js", "x.css"):
            (tmp_path / name).write_text("content")
        server = Server(0)
        thread = threading.Thread(target=server.serve, args=[str(tmp_path)])
        thread.start()
        try:
            host, port = re.fullmatch(r"http://([\d.]+):(\d+)/", server.url).groups()  # type: ignore[union-attr]
            assert host == "127.0.0.1"

            def ask(path: str, **headers: str) -> tuple[int, str | None, bytes]:
                connection = http.client.HTTPConnection(host, int(port), timeout=10)
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.getheader("Content-Type"), answer.read()

            assert ask("/") == (200, "text/html; charset=utf-8", b"content")
            assert ask("/x.js")[1] == "text/javascript; charset=utf-8"
            assert ask("/x.css")[1] == "text/css; charset=utf-8"
            assert ask("/", Host="elsewhere.example:80")[0] == 403
            (tmp_path / "index.html").unlink()
            assert ask("/")[0] == 404
            assert ask("/../etc/passwd")[0] == 404
            with pytest.raises(ConfigError, match=f"port = {port} cannot be used"):
                Server(int(port))
        finally:
            server.close()
            thread.join(10)
        assert not thread.is_alive()

    def test_ports_that_are_none(self) -> None:
        for port in (-1, 65_536):
            with pytest.raises(ConfigError, match="expected 0 to 65535"):
                Server(port)


class TestCommand:
    def run(self, capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
        code = explore([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    def test_a_folder_appears_whole_and_the_same(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("one", "two"):
            code, out, err = self.run(capsys, "--model", model, "--output", tmp_path / name, "--words", 100)
            assert (code, err) == (0, "")
            assert "principal components, since umap-learn is not installed (extra topics); " in out
            assert "placed between the others" in out
        files = [{path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
                 for name in ("one", "two")]  # fmt: skip
        assert files[0] == files[1]
        described = json.loads(files[0].pop(Path("map.json")))
        assert described["spaces"][0]["layout"] == "pca"
        assert sorted(map(str, files[0])) == described["files"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "one", "two"]

    def test_replaces_a_map_only_when_told_to_and_nothing_else(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["--model", model, "--output", tmp_path / "site"]
        assert self.run(capsys, *arguments)[0] == 0
        code, _, err = self.run(capsys, *arguments)
        assert code == 2
        assert "--overwrite" in err
        code, out, _ = self.run(capsys, *arguments, "--words", "19", "--placed", 0, "--overwrite")
        assert code == 0
        assert "19 of " in out
        assert "since UMAP needs 20 words" in out
        assert json.loads((tmp_path / "site" / "map.json").read_text())["spaces"][0]["words"] == 19
        (tmp_path / "site" / "data" / "mine.txt").touch()
        code, _, err = self.run(capsys, *arguments, "--overwrite")
        assert code == 2
        assert "data/mine.txt" in err
        code, _, err = self.run(capsys, "--model", model, "--output", model, "--overwrite")
        assert code == 2
        assert (model / "vectors").is_dir()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("--output out", "--model is needed"),
            ("--model model", "--output is needed"),
            ("--model none --output out", "none"),
            ("--model model --output out --words 0", "--words = 0 is not allowed"),
            ("--model model --output out --placed -1", "--placed = -1 is not allowed"),
            ("--model model --output out --link words", "--link goes with --beside"),
            ("--model model --output out --beside other", "no word in common"),
            ("--model model --output out --beside short --link translations", "vectors of length 3"),
            ("--model model --output out --export projector --beside other", "leave out --beside"),
            ("--model model --output out --export embedding-atlas --topics topics", "leave out --topics"),
            ("--model model --output out --export projector --drift drift", "leave out --drift"),
            ("--model model --output out --export projector --link words", "leave out --link"),
            ("--model model --output out --topics model", "no complete result of 'w2v-spark topics'"),
            ("--output model --serve", "holds no complete map"),
            ("--serve --port 70000 --model model", "--port = 70000 is not allowed"),
            ("--serve", "there is nothing to serve"),
        ],
    )
    def test_what_cannot_be_shown(
        self, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        arguments: str, message: str,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(tmp_path)
        make_table(tmp_path / "other", ["other", "words"], unit_rows(2))
        make_table(tmp_path / "short", ["w1", "w2"], unit_rows(2, 3))
        code, _, err = self.run(capsys, *arguments.split())
        assert code == 2
        assert message in err
        assert not (tmp_path / "out").exists()
        assert not list(tmp_path.glob(".*"))

    def test_a_centred_map_lies_beside_the_centred_target(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("aligned", "aligned/target", "french"):
            make_table(tmp_path / name, [f"w{row}" for row in range(30)], unit_rows(30))
        described = {"alignment": {"center": True, "dictionary": "en-fr.txt"}}
        (tmp_path / "aligned" / "model.json").write_text(json.dumps(described))
        given = ["--model", tmp_path / "aligned", "--output", tmp_path / "out", "--overwrite", "--beside"]
        for beside, more, warned in (
            ("french", (), True),
            ("french", ("--link", "words"), False),
            ("aligned/target", (), False),
        ):
            code, _, err = self.run(capsys, *given, tmp_path / beside, *more)
            assert code == 0
            assert ("aligned/target, not with --beside " in err) is warned

    def test_a_port_that_is_taken_is_said_before_the_work(
        self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, _, err = self.run(capsys, "--model", model, "--output", tmp_path / "site", "--serve", "--port", port)
        assert code == 2
        assert f"--port = {port} cannot be used" in err
        assert not (tmp_path / "site").exists()

    def test_serve_ends_quietly(
        self, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", interrupted)
        monkeypatch.setattr("http.server.ThreadingHTTPServer.shutdown", lambda _: None)
        code, out, err = self.run(capsys, "--model", model, "--serve", "--port", 0)
        assert (code, err) == (0, "")
        assert "http://127.0.0.1:" in out

    def test_a_service_that_is_ended_leaves_nothing(
        self, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

        def ended(*_: Any, **__: Any) -> None:
            assert list((tmp_path / "temporary").iterdir())
            signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", ended)
        monkeypatch.setattr("http.server.ThreadingHTTPServer.shutdown", lambda _: None)
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            assert self.run(capsys, "--model", model, "--serve", "--port", 0)[0] == 0
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGTERM, before)
        assert not list((tmp_path / "temporary").iterdir())

    def test_exports(self, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for kind, name in (("projector", "vectors.bytes"), ("embedding-atlas", "words.parquet")):
            arguments = ["--model", model, "--output", tmp_path / kind, "--export", kind, "--words", 50]
            assert self.run(capsys, *arguments)[0] == 0
            assert (tmp_path / kind / name).is_file()
            described = json.loads((tmp_path / kind / "map.json").read_text())
            assert (described["words"], described["chosen"]) == (50, "by rank")
            assert self.run(capsys, *arguments, "--overwrite")[0] == 0
