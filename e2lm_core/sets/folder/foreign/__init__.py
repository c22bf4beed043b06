"""Tasks of other people's making: any columns, functions known by their hash, groups, the harness's own tree; uses base."""
