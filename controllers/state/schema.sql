CREATE TABLE allocations (
    bottle TEXT PRIMARY KEY NOT NULL,
    internal_subnet TEXT NOT NULL UNIQUE,
    external_subnet TEXT UNIQUE,
    vmm_uid INTEGER UNIQUE CHECK (vmm_uid > 0) -- null where bottle does not run as root
) STRICT;
CREATE TABLE journal (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    bottle TEXT NOT NULL,
    begun TEXT NOT NULL,
    step TEXT NOT NULL,
    cause TEXT NOT NULL,
    ended TEXT,
    result TEXT
) STRICT;
-- One JSON document a bottle and kind: start, proof, provisioned.
CREATE TABLE records (
    bottle TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (bottle, kind)
) STRICT;
CREATE TABLE applied (
    bottle TEXT PRIMARY KEY NOT NULL,
    manifest TEXT NOT NULL,
    desired_digest TEXT NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
CREATE TABLE conditions (
    bottle TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (bottle, type)
) STRICT;
PRAGMA user_version = 1;
