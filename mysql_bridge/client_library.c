/*
 * The MySQL client library: see client_library.h.
 *
 * Both libraries can hand out the binary log's events as the server sent them. Connector/C has an event parser of
 * its own (mariadb_rpl_fetch), which knows some events only and copies each; reading packets with
 * mysql_net_read_packet avoids it. libmysqlclient's mysql_binlog_fetch hands out raw packets by itself.
 */
#include "client_library.h"

#include <stdlib.h>
#include <string.h>

#ifdef MARIADB_PACKAGE_VERSION
#define CONNECTOR_C 1
#include <ma_pvio.h>
#else
#define CONNECTOR_C 0
#endif

struct Dump
{
	MYSQL *mysql;
#if !CONNECTOR_C
	MYSQL_RPL rpl;
	char *file;
	uint8_t *gtid_set;
#endif
};

#if CONNECTOR_C

const char *
client_library_name(void)
{
	return "MariaDB Connector/C " MARIADB_PACKAGE_VERSION;
}

bool
client_library_set_tls(MYSQL *mysql, const ConnectionConfig *config, Failure *failure)
{
	my_bool yes = 1;
	bool verify = config->ssl_mode == SSL_MODE_NAME_VERIFY_CA || config->ssl_mode == SSL_MODE_NAME_VERIFY_IDENTITY;

	if (config->ssl_mode == SSL_MODE_NAME_DISABLED)
		return true;

	/*
	 * Any call of mysql_ssl_set makes the library use TLS where the server offers it: that is PREFERRED, and setting
	 * MYSQL_OPT_SSL_ENFORCE to false would undo it. Without verification, even ENFORCE falls back to no TLS when the
	 * server has none, so the caller looks at the cipher after connecting.
	 */
	mysql_ssl_set(mysql, config->ssl_key, config->ssl_cert, config->ssl_ca, NULL, NULL);
	if (config->ssl_mode != SSL_MODE_NAME_PREFERRED)
		mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);

	/*
	 * The library verifies the chain and the host name together or not at all. VERIFY_CA therefore verifies the name
	 * too: it may refuse more than was asked, never less.
	 */
	if (verify)
		mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	return true;
}

const char *
client_library_cipher(MYSQL *mysql)
{
	return mysql_get_ssl_cipher(mysql);
}

int
client_library_socket(MYSQL *mysql)
{
	return (int) mysql_get_socket(mysql);
}

size_t
client_library_buffered(MYSQL *mysql)
{
	const MARIADB_PVIO *pvio = mysql->net.pvio;

	if (pvio == NULL || pvio->cache == NULL)
		return 0;
	return pvio->cache_size - (size_t) (pvio->cache_pos - pvio->cache);
}

static void
put_u32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t) (value >> (8 * i));
}

/* Connector/C's enum ends before this command. */
#define COMMAND_BINLOG_DUMP_GTID 30
#define DUMP_THROUGH_GTID 0x04

Dump *
client_library_dump(MYSQL *mysql, const DumpRequest *request)
{
	size_t name = strlen(request->file);
	uint8_t *packet = calloc(1, 64 + name + request->gtid_set_size);
	Dump *dump = calloc(1, sizeof *dump);
	size_t used = 0;
	uint16_t flags = request->flags;
	int command;

	if (packet == NULL || dump == NULL)
		goto fail;
	dump->mysql = mysql;
	if (request->gtid_set == NULL)
	{
		/* offset (4), flags (2), server id (4), file name up to the end */
		command = COM_BINLOG_DUMP;
		put_u32(packet, request->offset);
		packet[4] = (uint8_t) flags;
		packet[5] = (uint8_t) (flags >> 8);
		put_u32(packet + 6, request->server_id);
		memcpy(packet + 10, request->file, name);
		used = 10 + name;
	}
	else
	{
		/* flags (2), server id (4), name length (4), name, offset (8), set size (4), set */
		command = COMMAND_BINLOG_DUMP_GTID;
		flags |= DUMP_THROUGH_GTID;
		packet[0] = (uint8_t) flags;
		packet[1] = (uint8_t) (flags >> 8);
		put_u32(packet + 2, request->server_id);
		put_u32(packet + 6, (uint32_t) name);
		memcpy(packet + 10, request->file, name);
		used = 10 + name;
		put_u32(packet + used, request->offset);
		used += 8;
		put_u32(packet + used, (uint32_t) request->gtid_set_size);
		used += 4;
		memcpy(packet + used, request->gtid_set, request->gtid_set_size);
		used += request->gtid_set_size;
	}
	if (mysql->methods->db_command(mysql, (enum enum_server_command) command, (const char *) packet, used, 1, NULL) !=
		0)
		goto fail;
	free(packet);
	return dump;

fail:
	free(packet);
	free(dump);
	return NULL;
}

void
client_library_dump_free(Dump *dump)
{
	free(dump);
}

DumpResult
client_library_next(Dump *dump, const uint8_t **event, size_t *size)
{
	/* The library returns packet_error, which is an unsigned int, widened. */
	unsigned long length = mysql_net_read_packet(dump->mysql);
	const uint8_t *packet = (const uint8_t *) dump->mysql->net.read_pos;

	if (length == packet_error || length == 0)
		return DUMP_FAILED;
	if (packet[0] == 0xfe && length < 9)
		return DUMP_END;
	*event = packet + 1;
	*size = length - 1;
	return DUMP_EVENT;
}

#else /* libmysqlclient */

const char *
client_library_name(void)
{
	return "libmysqlclient " LIBMYSQL_VERSION;
}

bool
client_library_set_tls(MYSQL *mysql, const ConnectionConfig *config, Failure *failure)
{
	static const enum mysql_ssl_mode modes[] = {
		[SSL_MODE_NAME_DISABLED] = SSL_MODE_DISABLED,
		[SSL_MODE_NAME_PREFERRED] = SSL_MODE_PREFERRED,
		[SSL_MODE_NAME_REQUIRED] = SSL_MODE_REQUIRED,
		[SSL_MODE_NAME_VERIFY_CA] = SSL_MODE_VERIFY_CA,
		[SSL_MODE_NAME_VERIFY_IDENTITY] = SSL_MODE_VERIFY_IDENTITY,
	};
	unsigned mode = modes[config->ssl_mode];
	bool yes = true;

	mysql_options(mysql, MYSQL_OPT_SSL_KEY, config->ssl_key);
	mysql_options(mysql, MYSQL_OPT_SSL_CERT, config->ssl_cert);
	mysql_options(mysql, MYSQL_OPT_SSL_CA, config->ssl_ca);
	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);

	/* Without TLS, caching_sha2_password encrypts the password with the server's key; Connector/C asks for it unbidden.
	 */
	if (config->ssl_mode <= SSL_MODE_NAME_PREFERRED)
		mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &yes);
	return true;
}

const char *
client_library_cipher(MYSQL *mysql)
{
	return mysql_get_ssl_cipher(mysql);
}

int
client_library_socket(MYSQL *mysql)
{
	return (int) mysql->net.fd;
}

size_t
client_library_buffered(MYSQL *mysql)
{
	return 0;
}

Dump *
client_library_dump(MYSQL *mysql, const DumpRequest *request)
{
	Dump *dump = calloc(1, sizeof *dump);

	if (dump == NULL)
		return NULL;
	dump->mysql = mysql;
	dump->file = strdup(request->file);
	dump->rpl.file_name = dump->file;
	dump->rpl.file_name_length = strlen(request->file);
	dump->rpl.start_position = request->offset;
	dump->rpl.server_id = request->server_id;
	dump->rpl.flags = request->flags;
	if (request->gtid_set != NULL)
	{
		dump->gtid_set = malloc(request->gtid_set_size);
		if (dump->gtid_set != NULL)
			memcpy(dump->gtid_set, request->gtid_set, request->gtid_set_size);
		dump->rpl.flags |= MYSQL_RPL_GTID;
		dump->rpl.gtid_set_encoded_size = request->gtid_set_size;
		dump->rpl.gtid_set_arg = dump->gtid_set;
	}
	if (dump->file == NULL || (request->gtid_set != NULL && dump->gtid_set == NULL) ||
		mysql_binlog_open(mysql, &dump->rpl) != 0)
	{
		client_library_dump_free(dump);
		return NULL;
	}
	return dump;
}

void
client_library_dump_free(Dump *dump)
{
	if (dump == NULL)
		return;
	free(dump->file);
	free(dump->gtid_set);
	free(dump);
}

DumpResult
client_library_next(Dump *dump, const uint8_t **event, size_t *size)
{
	if (mysql_binlog_fetch(dump->mysql, &dump->rpl) != 0)
		return DUMP_FAILED;
	if (dump->rpl.size == 0)
		return DUMP_END;
	*event = dump->rpl.buffer + 1;
	*size = dump->rpl.size - 1;
	return DUMP_EVENT;
}

#endif
