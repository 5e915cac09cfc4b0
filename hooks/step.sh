# SPDX-License-Identifier: Apache-2.0
# What the step scripts beside this file share: words for the log, and the time that is left. Sourced, not run.

step=${DAVIT_STEP:-${0##*/}}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'cannot finish %s: %s\n' "$step" "$*" >&2
    exit 1
}

# need NAME MEANING: ends the script unless the variable NAME is set.
need() {
    eval "[ -n \"\${$1:-}\" ]" || fail "$1 is not set: $2"
}

# need_program NAME
need_program() {
    command -v "$1" >/dev/null 2>&1 || fail "there is no $1 in this image (PATH is $PATH)"
}

# Whole seconds that davit gives this attempt, less one for saying how it went; run by hand: 30.
remaining=${DAVIT_REMAINING_SECONDS:-31}
step_end=$(($(date +%s) + ${remaining%%.*} - 1))

seconds_left() { echo $((step_end - $(date +%s))); }

time_is_left() { [ "$(seconds_left)" -gt 0 ]; }

# until_true COMMAND...: runs it until it succeeds; fails when the time is up.
until_true() {
    until "$@"; do
        time_is_left || return 1
        sleep 0.2
    done
}
