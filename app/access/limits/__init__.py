"""How much of the page one request, address or person may use: guards around all routes."""
