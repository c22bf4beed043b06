"""Tables of questions, one row each: CSV, TSV, JSON, JSONL, Parquet and XLSX; uses base."""
