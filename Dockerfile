# The studio as a container: a Hugging Face Space, or any host. See docs/deploy.md.
FROM python:3.12-slim

# As Spaces run it: user 1000, port 7860. /data is persistent where a volume is mounted there;
# entrypoint.sh falls back to the user's home where it is not writable.
RUN useradd --create-home --uid 1000 studio && install -d -o 1000 -g 1000 /data /app
WORKDIR /app

# Which torch: PIP_EXTRA_INDEX_URL names a further package index, for instance PyTorch's own with CPU-only
# builds (about 200 MB instead of several GB). Without it, pip takes what its default index has.
ARG PIP_EXTRA_INDEX_URL=""
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY --chown=1000:1000 . .
USER 1000

# XSRF protection is off, since a Space shows the app in an iframe of another site: there browsers withhold
# the XSRF cookie, and every upload would answer 403. Nothing is lost by it here: the studio has no accounts
# and no cookies to abuse, and an upload's address holds the session's own unguessable id. CORS protection
# stays on, so no other site's script can open a session in a visitor's browser. Set
# STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=true where the app is not framed.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false \
    STREAMLIT_SERVER_ENABLE_CORS=true \
    PORT=7860

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/_stcore/health', timeout=4)"]

ENTRYPOINT ["sh", "scripts/entrypoint.sh"]
