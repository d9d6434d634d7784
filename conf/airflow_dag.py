"""Retraining every night by Airflow 2.10 or later, with the package apache-airflow-providers-standard, or Airflow 3.

Put this file into the folder of DAGs, and w2v-spark where Airflow's workers find it. The variables of the environment
W2V_ROOT and W2V_TEXTS say where the versions and the texts are; TEXTS/2026-12-01 and so on hold the text of a day.

A night trains on the day before it, and only after the night before it has ended well, so no day is left out or comes
before another. A try that has failed is followed by another one, which goes on where it was; what is not usable, and
what has not passed its gate, fails at once. Where Airflow ends a task, the training stops after the round in flight.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook

try:
    from airflow.sdk import DAG, BaseOperator
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.exceptions import AirflowException, AirflowFailException
    from airflow.models import BaseOperator

ROOT = os.environ.get("W2V_ROOT", "/lake/vectors")
TEXTS = os.environ.get("W2V_TEXTS", "/lake/texts")
DAY = "{{ (data_interval_end - macros.timedelta(days=1)) | ds }}"  # the day before the night, in Airflow 2 and 3
REFUSED = (2, 3)  # exit codes: not usable as given, and not through its gate; trying again would end in the same way


class W2VSpark(BaseOperator):
    """Runs ``w2v-spark`` with some arguments, which are templates."""

    template_fields = ("arguments",)

    def __init__(self, arguments: list[str], **options: Any) -> None:
        super().__init__(**options)
        self.arguments = arguments
        self._hook: SubprocessHook | None = None

    def execute(self, context: Any) -> None:
        """Wait for the command; its last line, which says what is wrong, is the message of a failure."""
        self._hook = SubprocessHook()
        result = self._hook.run_command(["w2v-spark", *self.arguments], env=dict(os.environ))
        if result.exit_code == 0:
            return
        message = f"exit code {result.exit_code}: {result.output}"
        raise AirflowFailException(message) if result.exit_code in REFUSED else AirflowException(message)

    def on_kill(self) -> None:
        """Let the command end by itself."""
        if self._hook is not None:
            self._hook.send_sigterm()


with DAG(
    dag_id="w2v_spark_nightly",
    description="Retrain word vectors on the text of the day before",
    schedule="15 2 * * *",
    start_date=datetime(2026, 12, 1, tzinfo=UTC),
    catchup=True,  # days that were missed are made up for
    max_active_runs=1,
    default_args={
        "depends_on_past": True,
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
    },
) as dag:
    retrain = W2VSpark(
        task_id="retrain",
        arguments=[
            "retrain", "--from", ROOT, "--input", f"{TEXTS}/{DAY}", "--replay", "0.2", "--resume",
            "--gate", "vocabulary >= 0.95 incumbent", "--events", ROOT + ".events",
        ],
        execution_timeout=timedelta(hours=6),
    )  # fmt: skip
    prune = W2VSpark(task_id="prune", arguments=["versions", ROOT, "prune", "--keep", "14"])
    retrain >> prune
