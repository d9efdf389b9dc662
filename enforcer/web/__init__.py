"""HTTP: the application, one blueprint a file."""
