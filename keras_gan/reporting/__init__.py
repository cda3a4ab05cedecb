"""Plain facts about a run, and the page that shows them."""
