"""The FastAPI face: REST routes, sign-in, desk and floor websockets, the web app's files and the MQTT feed."""
