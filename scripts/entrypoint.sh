#!/bin/sh
# Starts the studio in a container. Sets and results go to the volume at /data where one can be written to and does
# what a database needs; else to the container's own disk, where they last as long as the container does, with a
# copy on the volume every ten minutes where that can be written to at all.
set -eu
fit="import sys; from pathlib import Path; from e2lm_core.deploy.home.disk_check import missing_guarantees; sys.exit(bool(missing_guarantees(Path('/data'))))"
if [ -z "${E2LM_HOME:-}" ]; then
    E2LM_HOME=$HOME/.e2lm-studio
    if [ -w /data ]; then
        if [ -e /data/studio.sqlite ] || python -c "$fit"; then
            E2LM_HOME=/data
        else
            export E2LM_BACKUP="${E2LM_BACKUP:-/data/studio-backup.tar.gz}"
        fi
    fi
    export E2LM_HOME
fi
# exec: the server gets the container's stop signal itself. Without browser.serverAddress, Streamlit would ask a
# host on the internet for this machine's address, only to print it.
exec python -m streamlit run app.py --server.headless true --server.address 0.0.0.0 \
    --server.port "${PORT:-7860}" --browser.serverAddress localhost
