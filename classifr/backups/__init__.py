"""A whole site as one file, and a site from such a file."""
