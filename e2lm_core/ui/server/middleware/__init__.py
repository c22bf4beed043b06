"""What every request passes through before it comes to Streamlit: who asks, by which address, with what in return."""
