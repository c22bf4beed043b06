"""Task folders of other authors: any columns, known functions, groups, the harness's tree; uses base."""
