"""The web page and the REST API: upload, watch, choose, download.

The server holds no table and no model: it keeps what people ask for in a database, a worker runs
our own command line for it, and what is shown was written by those commands.
"""
