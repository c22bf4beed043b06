"""Questions as plain text, typed by hand: GIFT, Aiken and Markdown lists; uses base."""
