#!/bin/sh
# The online step: enters the shop into the registry, a file here.
[ -e registry ] || { echo "register: there is no registry" >&2; exit 1; }
echo shop >registry
