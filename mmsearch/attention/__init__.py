"""Where a query found itself in an item: which cells of a picture, seconds of a sound, words of a passage."""
