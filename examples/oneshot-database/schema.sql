-- Run at each start: what is there stays.
CREATE TABLE IF NOT EXISTS items (name TEXT PRIMARY KEY, price INTEGER NOT NULL);
INSERT OR IGNORE INTO items VALUES ('rope', 12), ('anchor', 340);
