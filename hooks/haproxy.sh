# SPDX-License-Identifier: Apache-2.0
# How haproxy-online and haproxy-offline talk to HAProxy (2.6 or newer) through its runtime API. Sourced, not run.
#
#   HAPROXY_API      where its `stats socket ... level admin` listens: host:port, or the path of a unix socket
#   HAPROXY_BACKEND  the backend to join
#   HAPROXY_SERVER   this pod's name there; else POD_NAME, else the host name

need HAPROXY_API "host:port or path of HAProxy's runtime API"
need HAPROXY_BACKEND "the backend to join"
need_program socat
server=$HAPROXY_BACKEND/${HAPROXY_SERVER:-${POD_NAME:-$(hostname)}}

case $HAPROXY_API in
/*) api_address=UNIX-CONNECT:$HAPROXY_API ;;
*) api_address=TCP:$HAPROXY_API,connect-timeout=3 ;;
esac

# api COMMAND: prints HAProxy's answer without empty lines; fails if HAProxy cannot be reached.
api() {
    answer=$(printf '%s\n' "$1" | socat -t 5 - "$api_address") || return 1
    printf '%s\n' "$answer" | sed '/^[[:space:]]*$/d'
}

# order COMMAND: for commands that answer nothing when all is well.
order() {
    refusal=$(api "$1") || fail "HAProxy at $HAPROXY_API does not answer"
    [ -z "$refusal" ] || fail "HAProxy refused \"$1\": $refusal"
}

# Reads HAProxy's line about this server into known, address, administrative, check.
# known is "no" if it has none. The columns are those of `show servers state`.
look() {
    lines=$(api "show servers state $HAPROXY_BACKEND") || fail "HAProxy at $HAPROXY_API does not answer"
    case $lines in
    *"# be_id"*) ;;
    *) fail "HAProxy knows no backend $HAPROXY_BACKEND: $lines" ;;
    esac
    found=$(printf '%s\n' "$lines" | awk -v name="${server#*/}" '$4 == name { print "yes", $5 ":" $19, $7, $12; exit }')
    read -r known address administrative check <<END
${found:-no - - -}
END
}

# statistic COLUMN: of this server, from `show stat`.
statistic() {
    api "show stat $HAPROXY_BACKEND 4 -1" | awk -F, -v name="${server#*/}" -v column="$1" '$2 == name { print $column; exit }'
}

# HAProxy's word for its state: UP, "UP 1/3" (checks are still to pass), "no check", DRAIN, MAINT, DOWN, ...
state() { statistic 18; }

# Requests that are at this server now, or wait for it.
sessions() {
    queued=$(statistic 3)
    current=$(statistic 5)
    echo $((${queued:-0} + ${current:-0}))
}
