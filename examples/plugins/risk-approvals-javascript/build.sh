#!/bin/sh
# Builds risk-approvals.wasm. Takes:
#   COMPONENTIZE    the command `componentize-js` (default: the one that `npm install` puts beside this script)
#   WIT             the folder with the contract's packages (default: the one of this repository or archive)
#   OUT             where to put what is built (default: out, beside this script)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
COMPONENTIZE=${COMPONENTIZE:-$here/node_modules/.bin/componentize-js}
WIT=${WIT:-$here/../../../wit}
OUT=${OUT:-$here/out}
mkdir -p "$OUT/wit/deps"

# 1. The contract. The generator wants one package with those it uses in a folder `deps` beside it.
cp "$WIT"/approval/*.wit "$OUT/wit/"
cp -R "$WIT/types" "$WIT/host" "$OUT/wit/deps/"

# 2. A component: the program and the engine, with the modules loaded already. Without these features it imports nothing
#    but the contract.
$COMPONENTIZE "$here/src/policy.js" --wit "$OUT/wit" --world-name approval-policy \
  --disable stdio random clocks http fetch-event --out "$OUT/risk-approvals.wasm"
