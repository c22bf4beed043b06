"""Questions as XML of learning platforms, read without a DTD: Moodle XML and QTI; uses base."""
