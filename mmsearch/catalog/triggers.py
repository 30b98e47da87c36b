"""What SQLite sees to by itself when segments and vectors go. They go by many ways, such as sweeps and cascades."""

MAX_CAPTIONS = 20  # of one file; a table may have any number of rows about it
CAPTION_BREAK = "\N{PILCROW SIGN}"  # a word that no text has, lest a phrase begin in one caption and end in the next

# What is folded needs no folding again, so SQL can see to it.
_FORGET_WORDS = """CREATE TRIGGER forget_words AFTER DELETE ON segments BEGIN
    DELETE FROM segment_words WHERE rowid = old.id;
END"""
_FORGET_CAPTION = f"""CREATE TRIGGER forget_caption AFTER DELETE ON segments WHEN old.about IS NOT NULL BEGIN
    UPDATE segment_words SET captions = coalesce((
        SELECT group_concat(text, ' {CAPTION_BREAK} ') FROM (
            SELECT w.text FROM segments AS c JOIN segment_words AS w ON w.rowid = c.id
            WHERE c.about = old.about ORDER BY c.id LIMIT {MAX_CAPTIONS}
        )
    ), '') WHERE rowid IN (
        SELECT s.id FROM assets AS a JOIN segments AS s ON s.asset_id = a.id WHERE a.path = old.about
    );
END"""

# Without this list an index would have to be compared with the whole table.
_NOTE_REMOVAL = """CREATE TRIGGER note_removal AFTER DELETE ON vectors BEGIN
    INSERT INTO removed_vectors (space_id, segment_id) VALUES (old.space_id, old.segment_id);
END"""

TRIGGERS = (_FORGET_WORDS, _FORGET_CAPTION, _NOTE_REMOVAL)
