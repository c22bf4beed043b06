"""The place Share: bundle, report, access, verification."""
