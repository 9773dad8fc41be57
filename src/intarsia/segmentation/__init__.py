"""Photo -> label map: segmentation networks, which measure generated photos."""
