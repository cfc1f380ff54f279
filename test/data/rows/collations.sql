DROP DATABASE IF EXISTS rows_collations;
CREATE DATABASE rows_collations;
USE rows_collations;
CREATE TABLE collated (id INT PRIMARY KEY, a VARCHAR(10) COLLATE utf8mb4_uca1400_ai_ci, b VARCHAR(10) COLLATE utf8mb3_uca1400_as_cs, c CHAR(3) COLLATE ascii_bin, d VARCHAR(10) CHARACTER SET utf16 COLLATE uca1400_ai_ci, e ENUM('é') CHARACTER SET ucs2 COLLATE uca1400_ai_ci);
INSERT INTO collated VALUES (1, 'é😀', 'é', 'abc', '😀', 'é');
CREATE TABLE legacy (id INT PRIMARY KEY, l VARCHAR(20) CHARACTER SET latin1, g CHAR(5) CHARACTER SET greek, s VARCHAR(10) CHARACTER SET sjis, u VARCHAR(10) CHARACTER SET ujis, b TEXT CHARACTER SET big5, k VARCHAR(10) CHARACTER SET gbk, r VARCHAR(10) CHARACTER SET koi8r, e ENUM('é','€') CHARACTER SET latin1, t SET('ａ','日本') CHARACTER SET cp932, w VARCHAR(10) CHARACTER SET swe7);
INSERT INTO legacy VALUES (1, 'é€ÿ', 'αβγ', 'ソｱ日', '日ｱ丂', '中文', '中文a', 'привет', '€', 'ａ,日本', 'åäö'), (2, NULL, '', '', '', '', '', '', 'é', '', ''), (3, x'818d8f909d', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
