DROP DATABASE IF EXISTS rows_large_json;
CREATE DATABASE rows_large_json CHARACTER SET utf8mb4;
USE rows_large_json;
CREATE TABLE json_values (id INT PRIMARY KEY, j JSON);
INSERT INTO json_values VALUES (1, CONCAT('[', REPEAT('1,', 69999), '1]')), (2, CONCAT('{"big": "', REPEAT('x', 70000), '", "n": -5, "m": 70000, "u": 4294967295, "s": 1, "t": true, "o": {"a": [1, 2]}}')),
 (3, CONCAT('[', REPEAT('"abcdefghijklmnopqrstuvwxyz",', 5000), '-70000, 70000, 4000000000, true, null, 18446744073709551615, 0.5]')), (4, CONCAT('"', REPEAT('é\\n', 2000000), '"')), (5, CONCAT('{', REPEAT('"k', 0), '"a": 1}'));
INSERT INTO json_values SELECT 6, JSON_OBJECTAGG(CONCAT('key', n), n) FROM (SELECT a.id * 100000 + ROW_NUMBER() OVER () n FROM information_schema.COLLATIONS a, (SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION SELECT 10) b, (SELECT 1 UNION SELECT 2 UNION SELECT 3) c) t;
