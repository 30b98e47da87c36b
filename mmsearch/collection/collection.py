"""Collection: the Python API. Wires the stores of one collection to the flows; decides nothing itself."""

from mmsearch.collection.duplicates import Duplicates
from mmsearch.collection.evaluating import Evaluating
from mmsearch.collection.explaining import Explaining
from mmsearch.collection.fields import OwnFields
from mmsearch.collection.fitting import Fitting
from mmsearch.collection.searching import Searching
from mmsearch.collection.training import Training
from mmsearch.collection.writing import Writing


class Collection(Evaluating, Searching, Explaining, Writing, Fitting, Training, OwnFields, Duplicates):
    """A searchable collection of photos, sounds and texts on this machine.

    Made by `mmsearch.open` or `mmsearch.create`; a context manager. Any number of processes and threads may
    search one collection while one writes to it. Methods that write raise CollectionLocked if another process
    is writing, and StorageError if the disk is full; what was committed before is safe either way. Methods that
    read raise CollectionNotFound if the collection is not there; only `index` makes it.

    Attributes:
        folder: Where it is stored.
        name: Its name.
    """
