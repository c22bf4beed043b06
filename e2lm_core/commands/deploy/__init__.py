"""Commands for operating a studio: server, Space, data set, backup, restore; uses deploy and export."""
