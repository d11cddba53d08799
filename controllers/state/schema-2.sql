-- From version 1 to 2: what happened to each bottle, within bounds (history_records.h).
CREATE INDEX journal_of_bottle ON journal (bottle, entry);
CREATE TABLE transitions (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    bottle TEXT NOT NULL,
    time TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_of_bottle ON transitions (bottle, entry);
CREATE TABLE revisions (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    bottle TEXT NOT NULL,
    time TEXT NOT NULL, -- empty: applied when times were not kept yet
    generation INTEGER NOT NULL,
    manifest TEXT NOT NULL
) STRICT;
CREATE INDEX revisions_of_bottle ON revisions (bottle, entry);
INSERT INTO revisions (bottle, time, generation, manifest) SELECT bottle, '', generation, manifest FROM applied;
-- A bottle is as old as the first step that was done for it since it was last deleted.
INSERT OR IGNORE INTO records
    SELECT bottle, 'created', min(begun) FROM journal
    WHERE bottle IN (SELECT bottle FROM applied)
      AND entry > coalesce((SELECT max(entry) FROM journal AS other WHERE other.bottle = journal.bottle AND other.step LIKE 'forget %'), 0)
    GROUP BY bottle;
PRAGMA user_version = 2;
