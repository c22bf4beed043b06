"""What pages share: the open studio, the set in hand, the strip above every page, and how things are drawn."""
