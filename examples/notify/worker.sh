#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Work that begins slowly, goes on in small pieces, and takes a moment to end. systemd-notify speaks for it.
ends=no
trap 'ends=yes' TERM

systemd-notify --status="reading the catalogue"
sleep 0.5
systemd-notify --ready --status="working"

while [ "$ends" = no ]; do
    sleep 0.5
    systemd-notify WATCHDOG=1
done

# More than the grace period in davit.yaml: it says so.
systemd-notify STOPPING=1 EXTEND_TIMEOUT_USEC=5000000 --status="writing what is left"
sleep 2
echo "worker: nothing is lost"
