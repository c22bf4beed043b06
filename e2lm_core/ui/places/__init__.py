"""The seven places, one module each: what their tabs show, drawn of what the other rooms have; uses all but commands."""
