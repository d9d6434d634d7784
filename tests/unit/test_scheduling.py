"""What conf/ has for schedulers: the nightly script and the DAG, with a command in the place of w2v-spark."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT
from w2v_spark.cli.parsers import build_command_parser

DAG_FILE = ROOT / "conf/airflow_dag.py"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A w2v-spark that keeps its arguments, a line a call, and ends with the codes of a file, one after the other."""
    (tmp_path / "bin").mkdir()
    script = (
        "#!/bin/sh\n"
        f'echo "$*" >> {tmp_path}/calls\n'
        f"code=$(head -n 1 {tmp_path}/codes 2>/dev/null); sed -i 1d {tmp_path}/codes 2>/dev/null\n"
        'echo "working" ; echo "error: ended with ${code:-0}" >&2 ; exit "${code:-0}"\n'
    )
    (tmp_path / "bin/w2v-spark").write_text(script)
    (tmp_path / "bin/w2v-spark").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def calls(command: Path) -> list[str]:
    return (command / "calls").read_text().splitlines() if (command / "calls").exists() else []


def day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).strftime("%Y-%m-%d")


def nightly(command: Path, *arguments: str, codes: tuple[int, ...] = ()) -> int:
    (command / "codes").write_text("".join(f"{code}\n" for code in codes))
    environment = {**os.environ, "ROOT": str(command / "vectors"), "TEXTS": str(command / "texts"), "PAUSE": "0"}
    script = [str(ROOT / "conf/nightly.sh"), *arguments]
    return subprocess.run(script, env=environment, capture_output=True, check=False).returncode


@pytest.fixture
def texts(command: Path) -> Path:
    """Text of three days, of which one is done; nothing came two days ago."""
    for ago in (4, 3, 1, 0):
        (command / "texts" / day(ago)).mkdir(parents=True)
    (command / "vectors.day").write_text(f"{day(4)}\n")
    return command


def test_each_day_is_trained_on_once_and_in_order(texts: Path) -> None:
    assert nightly(texts, "--replay", "0.2") == 0
    trained, pruned = calls(texts)[:-1], calls(texts)[-1]
    start = f"retrain --from {texts}/vectors --input {texts}/texts/"
    end = f" --resume --events {texts}/vectors.day.events --replay 0.2"
    assert trained == [f"{start}{day(ago)}{end}" for ago in (3, 1)]
    assert pruned == f"versions {texts}/vectors prune --keep 14"
    assert (texts / "vectors.day").read_text() == f"{day(1)}\n"
    (texts / "calls").unlink()
    assert nightly(texts) == 0
    assert calls(texts) == [pruned]


@pytest.mark.parametrize(
    ("codes", "ends", "tries"), [((1, 1, 0), 0, 4), ((1, 1, 1), 1, 3), ((2,), 2, 1), ((3,), 3, 1), ((143,), 143, 1)]
)
def test_what_fails_is_tried_again_and_nothing_else(texts: Path, codes: tuple[int, ...], ends: int, tries: int) -> None:
    assert nightly(texts, codes=codes) == ends
    assert sum(call.startswith("retrain") for call in calls(texts)) == tries
    assert (texts / "vectors.day").read_text() == f"{day(1 if ends == 0 else 4)}\n"


def test_the_script_waits_for_a_first_day(command: Path) -> None:
    assert nightly(command) == 2
    assert calls(command) == []


def test_the_commands_are_there() -> None:
    """With the options that script and DAG give."""
    common = ["--from", "r", "--input", "t", "--resume", "--events", "e", "--replay", "0.2", "--gate", "tokens > 0"]
    build_command_parser("retrain").parse_all(common)
    build_command_parser("versions").parse_all(["r", "prune", "--keep", "14"])


def test_the_dag_compiles() -> None:
    compile(DAG_FILE.read_text(encoding="utf-8"), DAG_FILE, "exec")


@pytest.fixture
def dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG as Airflow's own parser sees it."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("W2V_ROOT", "/lake/vectors")
    pytest.importorskip(
        "airflow", reason="Airflow is not installed: pip install apache-airflow in an environment of its own"
    )
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2
        from airflow.models import DagBag
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / DAG_FILE.name).write_text(DAG_FILE.read_text())
    bag = DagBag(str(folder))
    assert bag.import_errors == {}
    assert list(bag.dags) == ["w2v_spark_nightly"]
    return bag.dags["w2v_spark_nightly"]


def test_the_dag(dag: Any) -> None:
    assert dag.catchup
    assert dag.max_active_runs == 1
    retrain, prune = dag.get_task("retrain"), dag.get_task("prune")
    assert retrain.depends_on_past
    assert (retrain.retries, retrain.downstream_task_ids) == (3, {"prune"})
    assert prune.arguments == ["versions", "/lake/vectors", "prune", "--keep", "14"]
    night = {
        "data_interval_end": datetime(2026, 12, 2, 2, 15, tzinfo=UTC),
        "macros": SimpleNamespace(timedelta=timedelta),
    }
    environment = dag.get_template_env()
    arguments = [environment.from_string(argument).render(night) for argument in retrain.arguments]
    assert build_command_parser("retrain").parse_all(arguments[1:]).input == ["/lake/texts/2026-12-01"]


@pytest.mark.parametrize(
    ("code", "error"), [(0, None), (1, "Airflow"), (137, "Airflow"), (143, "Airflow"), (2, "Fail"), (3, "Fail")]
)
def test_a_task_of_the_dag(dag: Any, command: Path, code: int, error: str | None) -> None:
    try:
        from airflow.sdk.exceptions import AirflowException, AirflowFailException
    except ImportError:  # Airflow 2
        from airflow.exceptions import AirflowException, AirflowFailException
    (command / "codes").write_text(f"{code}\n")
    task = dag.get_task("prune")
    if error is None:
        task.execute({})
    else:
        with pytest.raises(AirflowException, match=f"exit code {code}: error: ended with {code}") as caught:
            task.execute({})
        assert isinstance(caught.value, AirflowFailException) == (error == "Fail")
    assert calls(command) == ["versions /lake/vectors prune --keep 14"]
