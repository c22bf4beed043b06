"""Request filters in front of Streamlit: identity of the browser, allowed origins, response headers."""
