"""What the pages are made of, and the only room that knows Streamlit; uses all but commands."""
