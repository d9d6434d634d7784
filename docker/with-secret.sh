#!/bin/sh
# Start a daemon of Spark with the cluster's secret in its environment, where the list of processes does not show it.
set -eu
_SPARK_AUTH_SECRET=$(cat /run/secrets/spark_secret)
export _SPARK_AUTH_SECRET
exec "$@"
