-- The shop of the demonstration: the types that shops have.
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;

CREATE TABLE customer (
	id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name varchar(100) NOT NULL,
	email varchar(190) NOT NULL,
	address text,
	born date DEFAULT NULL,
	newsletter tinyint(1) NOT NULL DEFAULT 0,
	created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	UNIQUE KEY email (email)
);

CREATE TABLE product (
	id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name varchar(200) NOT NULL,
	price decimal(10,2) NOT NULL,
	tags set('new','sale','gift') NOT NULL DEFAULT '',
	details json DEFAULT NULL,
	picture blob,
	weight double DEFAULT NULL,
	released date DEFAULT NULL
);

CREATE TABLE orders (
	id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
	customer_id int unsigned NOT NULL,
	state enum('new','paid','shipped','returned') NOT NULL DEFAULT 'new',
	shipped_to text,
	ordered_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	paid_at datetime(6) DEFAULT NULL,
	KEY customer (customer_id),
	KEY state (state, ordered_at)
);

CREATE TABLE order_item (
	order_id bigint unsigned NOT NULL,
	line smallint unsigned NOT NULL,
	product_id int NOT NULL,
	amount int NOT NULL,
	price decimal(10,2) NOT NULL,
	PRIMARY KEY (order_id, line)
);

-- A table without a key: a log, as every shop has one.
CREATE TABLE visit (
	customer_id int unsigned DEFAULT NULL,
	page varchar(255) NOT NULL,
	at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	took time(3) DEFAULT NULL
);

INSERT INTO customer (name, email, address, born, newsletter) VALUES
	('Aino Virtanen', 'aino@example.org', 'Mannerheimintie 1\n00100 Helsinki', '1984-02-29', 1),
	('Björn Åström', 'bjorn@example.org', 'Storgatan 5\nUmeå', '1990-07-14', 0),
	('Đỗ Thị Mai', 'mai@example.org', 'Hà Nội', NULL, 1),
	('Мария Иванова', 'maria@example.org', 'ул. Ленина, 3', '1975-12-31', 0),
	('王芳', 'wang@example.org', '北京市', '2001-01-01', 1),
	('Zoë 🌷 de Vries', 'zoe@example.org', NULL, '1969-07-20', 0);

INSERT INTO product (name, price, tags, details, picture, weight, released) VALUES
	('Tea pot', 24.90, 'gift', '{"colour": "white", "litres": 1.2, "parts": ["pot", "lid"]}', X'89504E470D0A1A0A00', 0.85, '2019-03-01'),
	('Umbrella', 19.00, 'new,sale', '{"colour": "black", "wind_proof": true}', NULL, 0.4, '2024-10-01'),
	('Bicycle bell', 7.50, '', NULL, NULL, 0.12, '2010-01-01'),
	('Gift card', 50.00, 'gift', '{"valid_months": 36}', NULL, NULL, NULL),
	('Notebook "Nº 5"', 3.95, 'new', '{"pages": 192, "ruled": false}', X'00FF00FF', 0.21, '2023-05-05'),
	('Lamp', 129.00, 'sale', '{"watts": 7.5, "in": {"EU": true, "UK": null}}', NULL, 2.3, '2021-11-11'),
	('Umbrella, broken', 0.00, 'sale', NULL, NULL, 0.4, NULL);
