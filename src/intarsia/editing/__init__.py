"""Label maps that change: documents, strokes, looks, and real photos edited through them."""
