#!/bin/sh
# Builds risk-approvals.wasm. Takes:
#   COMPONENTIZE    the command `componentize-py` (default: componentize-py)
#   WIT             the folder with the contract's packages (default: the one of this repository or archive)
#   OUT             where to put what is built (default: out, beside this script)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
COMPONENTIZE=${COMPONENTIZE:-componentize-py}
WIT=${WIT:-$here/../../../wit}
OUT=${OUT:-$here/out}
mkdir -p "$OUT/wit/deps" "$OUT/app"

# 1. The contract. The generator wants one package with those it uses in a folder `deps` beside it.
cp "$WIT"/approval/*.wit "$OUT/wit/"
cp -R "$WIT/types" "$WIT/host" "$OUT/wit/deps/"

# 2. A component: the program and the interpreter, with the modules imported already. Python leaves what it compiles
#    beside the sources, so they are copied. Without `--stub-wasi` it imports WASI, and the host hands it an empty one.
cp -R "$here/app.py" "$here/risk_approvals" "$OUT/app/"
$COMPONENTIZE --quiet --wit-path "$OUT/wit" --world approval-policy \
  componentize --python-path "$OUT/app" app --output "$OUT/risk-approvals.wasm"
