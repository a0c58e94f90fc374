"""How much of the page one request, address or user may use: guards around all routes."""
