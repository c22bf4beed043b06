"""Ground of the interface: safe Markdown, URLs, theme, viewport, polling, Streamlit's private parts."""
