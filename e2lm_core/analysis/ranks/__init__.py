"""What the models' order says, how sure it is and which questions hold it up; uses base and scores."""
