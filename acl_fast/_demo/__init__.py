"""The demonstration: an object detector on a street video, from packages of the Python index."""
