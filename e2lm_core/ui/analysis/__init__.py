"""What the pages of measured scores draw, one module a page; uses all but commands."""
