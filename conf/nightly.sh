#!/bin/sh
# What cron calls every night: retrain on each day of text that was not used yet, one after the other.
#
#   15 2 * * *  ROOT=/lake/vectors TEXTS=/lake/texts /opt/w2v-spark/nightly.sh --replay 0.2 --gate 'drift <= 4 noise'
#
# with a line PATH=... above it that has w2v-spark.
# TEXTS/2026-12-01 and so on hold the text of a day. Arguments go to w2v-spark retrain. ROOT.day, beside a local ROOT or
# where DAYS says, holds the last day that is done; make it before the first night: echo 2026-11-30 > /lake/vectors.day
# Ends with the code of w2v-spark: 0 done, 1 failed three times, 2 not usable, 3 gate, 130 and 143 ended by a signal.
set -u
DAYS=${DAYS:-$ROOT.day}
yesterday=$(date -u -d yesterday +%F)
day=$(cat "$DAYS") || exit 2

while [ "$day" \< "$yesterday" ]; do
    day=$(date -u -d "$day + 1 day" +%F) || exit 2
    [ -e "$TEXTS/$day" ] || { echo "nothing of $day in $TEXTS" >&2; continue; }
    tries=3
    # 1 is the only code after which it is worth trying again; what is finished is kept.
    until w2v-spark retrain --from "$ROOT" --input "$TEXTS/$day" --resume --events "$DAYS.events" "$@"; do
        code=$?
        tries=$((tries - 1))
        [ "$code" -eq 1 ] && [ "$tries" -gt 0 ] || exit "$code"
        sleep "${PAUSE:-300}"
    done
    echo "$day" > "$DAYS.new" && mv "$DAYS.new" "$DAYS"
done
w2v-spark versions "$ROOT" prune --keep "${KEEP:-14}"
