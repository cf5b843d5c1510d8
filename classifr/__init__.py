"""The wiring of all rooms, and which Classifr this is."""

__version__ = "0.1.0"
