#!/bin/sh
# Make ./configure from configure.ac. Needs autoconf, automake and pkg-config.
# Two runs at a time in one checkout take turns.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
exec flock build-aux autoreconf --force --install --warnings=all,no-portability "$@"
