"""The files in ``conf/`` are what their readers accept, and say what they do."""

from __future__ import annotations

import ipaddress
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from w2v_spark.redaction import is_secret
from w2v_spark.spark.session_settings import read_spark_defaults

CONF = ROOT / "conf"
DEFAULTS = sorted(CONF.glob("spark-defaults-*.conf"))


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_all_files_are_there() -> None:
    assert _names(DEFAULTS) == [
        f"spark-defaults-{where}.conf" for where in ("kubernetes", "local", "standalone", "yarn")
    ]


@pytest.mark.parametrize("path", DEFAULTS, ids=_names(DEFAULTS))
def test_spark_defaults_parse(path: Path) -> None:
    settings = read_spark_defaults(path)
    assert settings["spark.python.worker.reuse"] == "true"
    assert all(key.startswith("spark.") for key in settings)
    assert len(settings) == sum(line.startswith("spark.") for line in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", DEFAULTS, ids=_names(DEFAULTS))
def test_nobody_else_takes_part_or_looks_on(path: Path) -> None:
    settings = read_spark_defaults(path)
    assert settings["spark.ui.enabled"] == "false"
    assert [key for key in settings if is_secret(key) and not key.endswith(".file")] == []
    if "local" in path.name:
        assert {settings[f"spark.driver.{key}"] for key in ("host", "bindAddress")} == {"127.0.0.1"}
    else:
        assert settings["spark.authenticate"] == settings["spark.network.crypto.enabled"] == "true"


def test_containers_publish_to_this_machine_alone() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the file of Docker Compose")
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            assert ipaddress.ip_address(port.rsplit(":", 2)[0]).is_loopback, f"{name} publishes {port}"
        assert service["networks"] == ["cluster"]
        assert service["secrets"] == ["spark_secret"]
        assert "environment" not in service, "docker inspect shows it"
        started = [*service["entrypoint"], *service.get("command", [])]
        assert "conf/spark-defaults-standalone.conf" in started
        assert "--properties-file" in started
    script = ROOT / compose["services"]["master"]["entrypoint"][0]
    assert script.stat().st_mode & stat.S_IXUSR
    assert (
        read_spark_defaults(CONF / "spark-defaults-standalone.conf")["spark.authenticate.secret.file"]
        in script.read_text()
    )


def test_daemons_get_the_secret_in_their_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abc\n")
    script = (ROOT / "docker/with-secret.sh").read_text().replace("/run/secrets/spark_secret", str(tmp_path / "secret"))
    (tmp_path / "run.sh").write_text(script)
    command = ["sh", str(tmp_path / "run.sh"), "sh", "-c", 'echo "$_SPARK_AUTH_SECRET $0 $1"', "x", "y z"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "abc x y z\n"
    (tmp_path / "secret").unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
