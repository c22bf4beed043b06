"""The E2LM Task Studio: page configuration and navigation. `streamlit run app.py`."""

import streamlit as st

from e2lm_core.ui.app import navigation
from e2lm_core.ui.server import asgi, lifespan, memory

if __name__ == "__main__":  # run for each visitor, at each redraw
    navigation.draw_frame()
    memory.freeze_imports()
else:  # imported once, by the server
    app = st.App(
        __file__,
        middleware=asgi.middleware(),
        routes=asgi.routes(),
        lifespan=lifespan.running,
        secrets=asgi.secrets(),
    )
