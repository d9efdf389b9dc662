"""Reading the configuration: from a file, variables and secret files to one table, and what is wrong with it."""
