"""Real harbours from Sentinel-2, fetched from GitHub and cut into tiles: see `fetch`."""
