"""The HTTP API and the studio's page: `intarsia serve` and `intarsia studio`."""
