#!/bin/sh
# Stands for an application server with a setting that it cannot read.
heap=$(sed -n 's/^heapMegabytes=//p' shop.conf)
echo "starting with heapMegabytes=$heap"
case "$heap" in
'' | *[!0-9]*)
    echo "Error: shop.conf: heapMegabytes: \"$heap\" is not a number" >&2
    echo "    at Heap.parse(Heap.java:41)" >&2
    exit 3
    ;;
esac
trap 'echo bye; exit 0' TERM
echo up
while :; do
    sleep 1 &
    wait $!
done
