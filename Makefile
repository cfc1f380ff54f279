# dbstream: the extension (PGXS) and the bridge.
#   make            build both          make install    put them where pg_config and PREFIX say
#   make demo       the main job shown  make test       everything that must pass
EXTENSION = control/dbstream
DATA = $(wildcard control/dbstream--*.sql)
MODULE_big = dbstream
LIB_SOURCES = $(wildcard libdbstream/*.c)
OBJS = $(patsubst %.c,%.o,$(wildcard pg_dbstream/*.c pg_dbstream/*/*.c) $(LIB_SOURCES))

PG_CONFIG ?= pg_config
PREFIX ?= /usr/local
WARNINGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

PG_CFLAGS = -std=gnu11 $(WARNINGS) -fvisibility=default
PG_CPPFLAGS = -I$(CURDIR)/libdbstream
with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
override with_llvm = no

# ---- bridge ----------------------------------------------------------------
# MYSQL_CONFIG: mariadb_config (MariaDB Connector/C) or mysql_config (Oracle's libmysqlclient).
MYSQL_CONFIG ?= $(firstword $(shell command -v mariadb_config mysql_config))
BRIDGE_BUILD ?= build/bridge
BRIDGE_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-sign-compare -Wno-unused-parameter -D_GNU_SOURCE \
	-Ilibdbstream $(shell $(MYSQL_CONFIG) --cflags) -I$(shell $(PG_CONFIG) --includedir) \
	$(shell pkg-config --cflags json-c libzstd zlib)
BRIDGE_LIBS = $(shell $(MYSQL_CONFIG) --libs) -L$(shell $(PG_CONFIG) --libdir) -lpq \
	$(shell pkg-config --libs json-c libzstd zlib) -lpthread -lm
BRIDGE_SOURCES = $(wildcard mysql_bridge/*.c) $(LIB_SOURCES)
BRIDGE_OBJS = $(patsubst %.c,$(BRIDGE_BUILD)/%.o,$(BRIDGE_SOURCES))

all: bridge
bridge: $(BRIDGE_BUILD)/dbstream-bridge
.PHONY: bridge

$(BRIDGE_BUILD)/dbstream-bridge: $(BRIDGE_OBJS)
	$(CC) $(BRIDGE_CFLAGS) -o $@ $^ $(BRIDGE_LIBS)

$(BRIDGE_BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BRIDGE_CFLAGS) -MMD -c -o $@ $<

-include $(BRIDGE_OBJS:.o=.d)
