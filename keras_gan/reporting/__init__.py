"""What a run is, in plain facts, and the page that shows them."""
