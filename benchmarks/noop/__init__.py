"""A backend that does nothing, for measuring what a call costs by itself."""
