"""The protocol over HTTP: the ASGI application, who may ask, the log, and the server."""
