#!/usr/bin/env bash
# Kills one of two MPI ranks at random moments of a training, N times (default 100), resumes each run, and compares what it
# ends with, bit for bit, to a run that nobody disturbed. Needs Open MPI and a built project; about 20 s a point.
# usage: kill-points.sh [N] [SEED]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mvn -B -ntp -DskipTests=false -Dsurefire.skip=true -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false \
    -Dit.test=KillPointsIT -Dsparsercnn.killPoints="${1:-100}" ${2:+-Dsparsercnn.killSeed="$2"} verify
