"""Which questions look wrong from results alone: keys, answers that are alike or dead, and what is answered unread; uses base and scores."""
