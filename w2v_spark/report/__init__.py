"""A page about a model: what is in its directory, gathered, judged, drawn, and written as one HTML file."""
