"""What every request of a browser passes through before it comes to Streamlit; used by the server alone."""
