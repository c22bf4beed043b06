"""The place Sets: home, set cards, ways to start."""
