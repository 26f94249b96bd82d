#!/bin/sh
# Builds risk-approvals.wasm. Takes:
#   CC          a C compiler for wasm32-wasi and its target option (default: clang --target=wasm32-wasi)
#   WIT         the folder with the contract's packages          (default: the one of this repository or archive)
#   BINDINGS    a folder with bindings made before               (default: made here, with `wit-bindgen`)
#   LOCKGATE    the command                                      (default: lockgate)
#   OUT         where to put what is built                       (default: out, beside this script)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-clang --target=wasm32-wasi}
WIT=${WIT:-$here/../../../wit}
LOCKGATE=${LOCKGATE:-lockgate}
OUT=${OUT:-$here/out}
mkdir -p "$OUT"

# 1. Bindings. The generator wants one package with those it uses in a folder `deps` beside it.
if [ -z "${BINDINGS:-}" ]; then
  BINDINGS=$OUT/bindings
  mkdir -p "$OUT/wit/deps"
  cp "$WIT"/approval/*.wit "$OUT/wit/"
  cp -R "$WIT/types" "$WIT/host" "$OUT/wit/deps/"
  wit-bindgen c "$OUT/wit" --world approval-policy --out-dir "$BINDINGS"
fi

# 2. A core module. A reactor has no `main`: it waits to be called. The stack is a part of the memory that every
#    evaluation starts with; without its size, zig makes one of 16 MiB.
$CC -std=c11 -Os -Wall -Wextra -Werror -mexec-model=reactor -Wl,-z,stack-size=65536 \
  -I "$BINDINGS" -I "$here" \
  "$here"/*.c "$BINDINGS/approval_policy.c" "$BINDINGS/approval_policy_component_type.o" \
  -o "$OUT/risk-approvals.core.wasm"

# 3. A component, validated against the contract.
$LOCKGATE plugin build --from-core "$OUT/risk-approvals.core.wasm" -o "$OUT/risk-approvals.wasm"
