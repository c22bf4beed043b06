"""What the server does beside drawing pages: who the browser is, headers, health; uses all but commands."""
