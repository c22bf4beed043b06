"""Tables of questions, a row each: CSV, TSV, JSON, JSONL, Parquet and XLSX; uses base."""
