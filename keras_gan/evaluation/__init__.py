"""Arrays in, numbers with their protocol out; nothing here knows of the game."""
