"""Questions as text that people write by hand: GIFT, Aiken and Markdown lists; uses base."""
