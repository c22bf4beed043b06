#!/bin/sh
# Starts the studio in a container: sets and results go to the volume at /data where one can be written to,
# else to the container's own disk, where they last as long as the container does.
set -eu
if [ -z "${E2LM_HOME:-}" ]; then
    if [ -w /data ]; then E2LM_HOME=/data; else E2LM_HOME=$HOME/.e2lm-studio; fi
    export E2LM_HOME
fi
# exec: the server gets the container's stop signal itself. Without browser.serverAddress, Streamlit would ask a
# host on the internet for this machine's address, only to print it.
exec python -m streamlit run app.py --server.headless true --server.address 0.0.0.0 \
    --server.port "${PORT:-7860}" --browser.serverAddress localhost
