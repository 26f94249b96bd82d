# What the pipelines here have in common: a few functions over curl and jq. To be read in (`. lockgate.sh`) by sh or bash,
# with LOCKGATE_SERVER (the URL of the endpoint), DEPLOYMENT (the id), and LOCKGATE_TOKEN, or in a GitHub Actions job with
# `id-token: write`.
#
# A pipeline that failed is run again as it is: it asks where the deployment stands, and goes on from there. Where that
# deployment has been given up, DEPLOYMENT becomes the id of the next one: `<id>-2`, `<id>-3`, and so on.
#
# Everything here ends as `lockgate eval` does: 0 done, or the gate allows; 1 it failed; 2 the gate denies; 4 it is pending.
# A job waits for LOCKGATE_WAIT seconds altogether (5 hours if it is not set), and then ends with 4.
set -eu

# When the waiting ends, in seconds since 1970. The steps of a job on GitHub share it.
if [ -z "${LOCKGATE_UNTIL:-}" ]; then
  LOCKGATE_UNTIL=$(($(date +%s) + ${LOCKGATE_WAIT:-18000}))
  [ -z "${GITHUB_ENV:-}" ] || printf 'LOCKGATE_UNTIL=%s\n' "$LOCKGATE_UNTIL" >>"$GITHUB_ENV"
fi

# The token to sign in with: the one that is there, or the job's own.
lockgate_token() {
  if [ -n "${LOCKGATE_TOKEN:-}" ]; then
    printf '%s' "$LOCKGATE_TOKEN"
  else
    curl -sS --fail -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
      "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$LOCKGATE_SERVER" | jq -er .value
  fi
}

# lockgate_send METHOD PATH [FILE [MEDIA-TYPE [HEADER]]]: one request; prints the answer, and fails if it is an error. curl tries
# again after failures that pass; the key has the server do it once.
lockgate_send() {
  token=$(lockgate_token) || return 1
  key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  body=$(mktemp) url=$LOCKGATE_SERVER$2
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -K - -sS -o "$body" -w '%{http_code}' \
    --retry 5 --retry-connrefused -X "$1" -H "Idempotency-Key: $key" \
    ${3:+-H "Content-Type: ${4:-application/json}" --data-binary "@$3"} ${5:+-H "$5"} "$url") || status=none
  cat "$body"
  rm "$body"
  case $status in 2??) ;; *) return 1 ;; esac
}

# lockgate_call METHOD PATH [FILE [MEDIA-TYPE [HEADER]]]: the same, with a PATH below the deployment. An error is told.
lockgate_call() {
  path=/api/v1/deployments/$DEPLOYMENT$2 method=$1
  shift 2
  answer=$(lockgate_send "$method" "$path" "$@") || {
    printf '%s %s failed: %s\n' "$method" "$path" "$answer" >&2
    return 1
  }
  printf '%s\n' "$answer"
}

# lockgate_status ID: where a deployment stands; `none` if there is none.
lockgate_status() {
  answer=$(lockgate_send GET "/api/v1/deployments/$1") || true
  stands=$(printf '%s' "$answer" |
    jq -r 'if .type == "urn:lockgate:problem:not-found" then "none" else .position.status // empty end' 2>/dev/null) || stands=
  if [ -z "$stands" ]; then
    printf 'the state of %s cannot be read: %s\n' "$1" "$answer" >&2
    return 1
  fi
  printf '%s\n' "$stands"
}

# lockgate_request FILE: asks for the deployment, unless it is there.
lockgate_request() {
  status=$(lockgate_status "$DEPLOYMENT") || return 1
  if [ "$status" = none ]; then
    jq --arg id "$DEPLOYMENT" '.deployment.id = $id' "$1" >lockgate-request.json || return 1
    answer=$(lockgate_send POST /api/v1/deployments lockgate-request.json) || {
      printf '%s\n' "$answer" >&2
      return 1
    }
    status=requested
  fi
  printf '%s: %s\n' "$DEPLOYMENT" "$status"
}

# lockgate_behind STAGE PHASE: whether the deployment has passed that gate. Ends the script if nobody can tell, or if the
# deployment is on its way back: then nothing is deployed again, and `lockgate_give_up` goes on.
lockgate_behind() {
  view=$(lockgate_call GET '') || exit 1
  if printf '%s' "$view" | jq -e '.position.status == "rolling-back"' >/dev/null; then
    printf '%s is on its way back to the last known good release: give it up\n' "$DEPLOYMENT" >&2
    exit 1
  fi
  passed=$(printf '%s' "$view" | jq --arg stage "$1" --arg phase "$2" '.position as $at
    | ["plan-and-approve", "fulfill", "validate", "observe"] as $stages
    | if $at.status == "operational" then true else
        ($stages | index($at.stage) - index($stage)) as $ahead
        | $ahead > 0 or ($ahead == 0 and $phase == "entrance" and $at.status != "awaiting-entrance")
      end') || exit 1
  case $passed in true) ;; false) return 1 ;; *) exit 1 ;; esac
}

# lockgate_late: whether the time for waiting is over.
lockgate_late() {
  [ "$(date +%s)" -ge "$LOCKGATE_UNTIL" ]
}

# lockgate_pending: says that the deployment stays as it is until the pipeline is run again, and ends with 4. The variable
# keeps `lockgate_give_up` from giving it up: the later steps of a job on GitHub have it, and on GitLab, by the report
# `dotenv`, the later jobs.
lockgate_pending() {
  printf 'LOCKGATE_PENDING=true\n' >>"${GITHUB_ENV:-lockgate.env}"
  printf '%s is pending and stays as it is: run the pipeline again to go on\n' "$DEPLOYMENT" >&2
  return 4
}

# lockgate_pass STAGE PHASE [wait]: passes a gate, unless it is passed. If it does not allow, the reasons are told, and what
# would turn it. With `wait`, a pending gate is waited for until it turns or the time is over: an answer without a body says
# that it has not turned yet.
lockgate_pass() {
  if lockgate_behind "$1" "$2"; then
    printf '%s %s: passed before\n' "$1" "$2"
    return 0
  fi
  turned=
  while :; do
    answer=$(lockgate_call POST "/gates/$1/$2$turned") || return 1
    if [ -z "$answer" ]; then
      if lockgate_late; then turned=; fi
      continue
    fi
    verdict=$(printf '%s' "$answer" | jq -r .decision.verdict) || return 1
    printf '%s' "$answer" | jq -r --arg gate "$1 $2" '.decision | "\($gate): \(.verdict) (\(.id))",
      (.reasons[] | select(.blocking) | "  \(.code): \(.message)"),
      ([.reasons[].message] as $told | .requirements[] | select(.blocking and (.message | IN($told[]) | not))
        | "  it takes: \(.message)")' || return 1
    case "$verdict:${3:-}" in
    allow:*) return 0 ;;
    deny:*) return 2 ;;
    pending:wait)
      if lockgate_late; then lockgate_pending || return; fi
      turned='?wait=30s'
      ;;
    pending:*) lockgate_pending || return ;;
    *) return 1 ;;
    esac
  done
}

# lockgate_rollout FILE COMMAND...: deploys. Where the deployment model names a strategy, COMMAND is called for each step that a
# pipeline performs, with what to do: `deploy SLOT PERCENT`, `route SLOT PERCENT`, `disable SLOT`, `remove SLOT` or `activity NAME`. It may be
# called again for the same step. Where the model names none, COMMAND is called once, without more. Each time it leaves in FILE
# which instances there are then, as a merge patch of the deployment. The server waits, runs the analyses, and remembers how far
# the rollout has come. Ends with 2 if the way back has begun, and with 4 if the time is over while something is waited for.
lockgate_rollout() {
  lockgate_steps forward "$@"
}

# lockgate_steps DIRECTION FILE COMMAND...: performs the steps of the way forward or of the way back.
lockgate_steps() {
  direction=$1 instances=$2 told=
  shift 2
  while :; do
    next=$(lockgate_send POST "/api/v1/deployments/$DEPLOYMENT/rollout/next") || {
      case $next in
      *urn:lockgate:problem:no-strategy*)
        "$@" || return 1
        lockgate_call PATCH '' "$instances" >/dev/null || return 1
        return 0
        ;;
      esac
      printf 'the next step of the rollout cannot be read: %s\n' "$next" >&2
      return 1
    }
    # The strategy goes back by itself when a step fails.
    if [ "$direction" = forward ] && [ "$(printf '%s' "$next" | jq -r '.direction // "forward"')" = back ]; then
      printf 'rollout: the way back has begun\n'
      return 2
    fi
    case $(printf '%s' "$next" | jq -r .next) in
    perform) lockgate_perform "$next" "$@" || return 1 ;;
    wait | pause)
      reason=$(printf '%s' "$next" | jq -r '(.wait // .) | .reason | "\(.code): \(.message)"') || return 1
      [ "$reason" = "$told" ] || printf 'rollout: %s\n' "$reason"
      told=$reason
      if lockgate_late; then lockgate_pending || return; fi
      # Until something happens, such as that a person goes on with the step.
      lockgate_call GET '/wait?timeout=10s' >/dev/null || return 1
      ;;
    complete) return 0 ;;
    *) return 1 ;;
    esac
  done
}

# lockgate_perform NEXT COMMAND...: performs the step that the server named, and reports how it went.
lockgate_perform() {
  step=$(printf '%s' "$1" | jq -r '.step.id | @uri') || return 1
  what=$(printf '%s' "$1" | jq -r '.step.action | keys[0]') || return 1
  where=$(printf '%s' "$1" | jq -r '.step.action[] | .to.slot // .slot // .name // empty') || return 1
  share=$(printf '%s' "$1" | jq -r '.step.action[] | (.capacity // .weight // empty) / 100') || return 1
  shift
  outcome=succeeded
  "$@" "$what" "$where" ${share:+"$share"} || outcome=failed
  printf '%s: %s\n' "$step" "$outcome"
  [ "$outcome" = failed ] || lockgate_call PATCH '' "$instances" >/dev/null || return 1
  jq -n --arg outcome "$outcome" '{$outcome}' >lockgate-step.json || return 1
  lockgate_call POST "/rollout/steps/$step" lockgate-step.json >/dev/null
}

# lockgate_hand_over FILE: proposes the hand-over in FILE, unless somebody did, and waits until those who take over have accepted it.
# Ends with 4 if the time is over before.
lockgate_hand_over() {
  told=
  while :; do
    view=$(lockgate_call GET '') || return 1
    stands=$(printf '%s' "$view" | jq -r 'if .hand_over.accepted then "accepted" elif .hand_over then "proposed" else "none" end') ||
      return 1
    [ "$stands" = none ] || [ "$stands" = "$told" ] || printf 'hand-over: %s\n' "$stands"
    told=$stands
    case $stands in
    accepted) return 0 ;;
    none) lockgate_call POST /hand-over "$1" >/dev/null || return 1 ;;
    proposed)
      if lockgate_late; then lockgate_pending || return; fi
      lockgate_call GET '/wait?timeout=10s' >/dev/null || return 1
      ;;
    *) return 1 ;;
    esac
  done
}

# lockgate_move MOVE REASON: a move that is not through a gate.
lockgate_move() {
  jq -n --arg move "$1" --arg reason "$2" '{$move, $reason}' >lockgate-move.json || return 1
  answer=$(lockgate_call POST /moves lockgate-move.json) || return 1
  printf '%s' "$answer" | jq -r '"\(.id): \(.position.status)"'
}

# lockgate_give_up REASON FILE COMMAND...: gives the deployment up in the way that the server says is possible, unless it is
# pending. If something may have been changed, that is the way back: COMMAND is called for each step of it, or once where the
# deployment model names no strategy, and leaves in FILE which instances there are then. Else the deployment is aborted.
lockgate_give_up() {
  reason=$1
  shift
  if [ "${LOCKGATE_PENDING:-}" = true ]; then
    printf '%s is pending, and is not given up\n' "$DEPLOYMENT"
    return 0
  fi
  status=$(lockgate_status "$DEPLOYMENT") || return 1
  [ "$status" != none ] || return 0
  view=$(lockgate_call GET '') || return 1
  moves=$(printf '%s' "$view" | jq -r '[.legal_moves[].move] | join(" ")') || return 1
  case " $moves " in
  *' roll-back '*) lockgate_move roll-back "$reason" || return 1 ;;
  # The way back that an earlier run began.
  *' complete-rollback '*) ;;
  *' abort '*)
    lockgate_move abort "$reason" || return 1
    return 0
    ;;
  '  ') return 0 ;; # It has ended.
  *)
    printf '%s can go neither back nor away: people have to decide (possible: %s)\n' "$DEPLOYMENT" "$moves" >&2
    return 1
    ;;
  esac
  lockgate_steps back "$@" || return
  lockgate_move complete-rollback "the last known good release runs again"
}

# The deployment that this run is about: the first of its name that was not given up.
lockgate_name=$DEPLOYMENT lockgate_count=1
while :; do
  lockgate_stands=$(lockgate_status "$DEPLOYMENT") || exit 1
  case $lockgate_stands in
  aborted | rejected | rolled-back | failed) lockgate_count=$((lockgate_count + 1)) ;;
  *) break ;;
  esac
  DEPLOYMENT=$lockgate_name-$lockgate_count
done
