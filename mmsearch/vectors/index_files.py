"""What the files in the folder of an index are called."""

IDS = "ids.npy"
GONE = "gone.npy"  # ids that were removed before it was made, though their rows are there
FLAT_ROWS = "rows.npy"  # of the kind "flat"
ROWS = "rows.faiss"
STRUCTURE = "structure.faiss"
DETAILS = "index.json"

MOST_DETAILS_BYTES = 1 << 16
