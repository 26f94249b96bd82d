# What the pipelines here have in common: a few functions over curl and jq. Needs LOCKGATE (the URL of the endpoint),
# DEPLOYMENT (the id), and LOCKGATE_TOKEN, or a GitHub Actions job with `id-token: write`.
set -eu

# The token to sign in with: the one that is there, or the job's own.
lockgate_token() {
  if [ -n "${LOCKGATE_TOKEN:-}" ]; then
    printf '%s' "$LOCKGATE_TOKEN"
  else
    curl -sS --fail -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
      "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$LOCKGATE" | jq -r .value
  fi
}

# lockgate_curl ARGUMENTS...: with the token, and again after failures that pass.
lockgate_curl() {
  curl -sS --fail-with-body --retry 5 --retry-connrefused -H "Authorization: Bearer $(lockgate_token)" "$@"
}

# lockgate_call METHOD PATH FILE: sends a JSON file. Sent again, it is done once.
lockgate_call() {
  key=$(printf '%s %s %s' "$1" "$2" "$(sha256sum <"$3")" | sha256sum | cut -c1-64)
  lockgate_curl -X "$1" -H "Content-Type: application/json" -H "Idempotency-Key: $key" --data-binary "@$3" "$LOCKGATE$2" &&
    echo
}

# lockgate_evidence NAME MEDIA-TYPE FILE: hands in evidence.
lockgate_evidence() {
  lockgate_curl -X PUT -H "Content-Type: $2" --data-binary "@$3" "$LOCKGATE/api/v1/deployments/$DEPLOYMENT/evidence/$1" &&
    echo
}

# lockgate_pass STAGE PHASE [wait]: passes a gate, or ends with the reasons why not. With `wait`, a pending gate is waited
# for until it turns: an answer without a body says that it has not turned yet.
lockgate_pass() {
  turned=
  while :; do
    answer=$(lockgate_curl -X POST "$LOCKGATE/api/v1/deployments/$DEPLOYMENT/gates/$1/$2$turned") || {
      printf '%s\n' "$answer" >&2
      return 1
    }
    [ -n "$answer" ] || continue
    verdict=$(printf '%s' "$answer" | jq -r .decision.verdict)
    printf '%s %s: %s (%s)\n' "$1" "$2" "$verdict" "$(printf '%s' "$answer" | jq -r .decision.id)"
    printf '%s' "$answer" | jq -r '.decision.reasons[] | select(.blocking) | "  \(.code): \(.message)"'
    case "$verdict:${3:-}" in
    allow:*) return 0 ;;
    pending:wait) turned='?wait=30s' ;;
    *) return 1 ;;
    esac
  done
}

# lockgate_move MOVE REASON: a move that is not through a gate.
lockgate_move() {
  jq -n --arg move "$1" --arg reason "$2" '{move: $move, reason: $reason}' >lockgate-move.json
  lockgate_call POST "/api/v1/deployments/$DEPLOYMENT/moves" lockgate-move.json
}
