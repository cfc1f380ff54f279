# dbstream: the extension (PGXS) and the bridge.
#
#   make            build both            make install   extension where pg_config says, bridge into $(PREFIX)/bin
#   make demo       the main job, shown   make test      everything that must pass
#
# Two builds come out of one tree: the extension's objects stand beside their
# sources, as PGXS wants it, the bridge's under build/.

PG_CONFIG ?= pg_config
PREFIX ?= /usr/local

# These install what is missing themselves, so they must not need it to be read.
OPEN_GOALS = setup demo test bench help clean
GOALS = $(or $(MAKECMDGOALS),all)

# ---- what must be there -------------------------------------------------------

ifneq ($(filter-out $(OPEN_GOALS),$(GOALS)),)
MISSING = $(if $(shell command -v $(CC) || true),,gcc) \
	$(if $(shell command -v $(PG_CONFIG) || true),,postgresql-server-dev-15) \
	$(if $(shell command -v pkg-config || true),,pkg-config)
ifneq ($(strip $(MISSING)),)
$(error dbstream needs packages that are not here: $(strip $(MISSING)). On Debian, tools/setup_debian installs them; docs/install.md lists them)
endif
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) says that $(PGXS) has the build rules for extensions, and it is not there: install the package postgresql-server-dev-$(firstword $(subst ., ,$(lastword $(shell $(PG_CONFIG) --version)))))
endif
endif

# ---- extension ------------------------------------------------------------------

EXTENSION = control/dbstream
DATA = $(wildcard control/dbstream--*.sql)
MODULE_big = dbstream
LIB_SOURCES = $(wildcard libdbstream/*.c)
EXTENSION_SOURCES = $(wildcard pg_dbstream/*.c pg_dbstream/*/*.c) $(LIB_SOURCES)
OBJS = $(EXTENSION_SOURCES:.c=.o)
WARNINGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

PG_CFLAGS = -std=gnu11 $(WARNINGS) -fvisibility=default
PG_CPPFLAGS = -I$(CURDIR)/libdbstream -MMD -MP

# No bitcode: it needs clang and serves only functions that queries inline. Set before PGXS is read, or it has no effect.
override with_llvm = no

ifdef PGXS
include $(PGXS)
-include $(OBJS:.o=.d)
endif

# ---- bridge ---------------------------------------------------------------------

# mariadb_config (MariaDB Connector/C) or mysql_config (Oracle's libmysqlclient).
MYSQL_CONFIG ?= $(firstword $(shell command -v mariadb_config; command -v mysql_config; true))
BRIDGE_BUILD ?= build/bridge
BRIDGE_OPTIMISE ?= -O2 -g
BRIDGE_CFLAGS = -std=gnu11 $(BRIDGE_OPTIMISE) -Wall -Wextra -Werror -Wno-sign-compare -Wno-unused-parameter \
	-D_GNU_SOURCE -Ilibdbstream $(shell $(MYSQL_CONFIG) --cflags) -I$(shell $(PG_CONFIG) --includedir) \
	$(shell pkg-config --cflags json-c libzstd zlib)
BRIDGE_LIBS = $(shell $(MYSQL_CONFIG) --libs) -L$(shell $(PG_CONFIG) --libdir) -lpq \
	$(shell pkg-config --libs json-c libzstd zlib) -lpthread -lm
BRIDGE_SOURCES = $(wildcard mysql_bridge/*.c) $(LIB_SOURCES)
BRIDGE_OBJS = $(patsubst %.c,$(BRIDGE_BUILD)/%.o,$(BRIDGE_SOURCES))

ifndef EXTENSION_ONLY
all: bridge
install: install-bridge
endif

bridge: bridge-needs $(BRIDGE_BUILD)/dbstream-bridge

bridge-needs:
	@test -n "$(MYSQL_CONFIG)" || { echo "The bridge needs libmariadb-dev (mariadb_config) or libmysqlclient-dev" \
		"(mysql_config); tools/setup_debian installs the first." >&2; exit 1; }
	@pkg-config --exists json-c libzstd zlib || { echo "The bridge needs libjson-c-dev, libzstd-dev and zlib1g-dev;" \
		"tools/setup_debian installs them." >&2; exit 1; }
	@test -e "$$($(PG_CONFIG) --includedir)/libpq-fe.h" || { echo "The bridge needs libpq-dev;" \
		"tools/setup_debian installs it." >&2; exit 1; }

$(BRIDGE_BUILD)/dbstream-bridge: $(BRIDGE_OBJS)
	$(CC) $(BRIDGE_CFLAGS) -o $@ $^ $(BRIDGE_LIBS)

$(BRIDGE_BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BRIDGE_CFLAGS) -MMD -MP -c -o $@ $<

-include $(BRIDGE_OBJS:.o=.d)

install-bridge: bridge
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(BRIDGE_BUILD)/dbstream-bridge '$(DESTDIR)$(PREFIX)/bin/dbstream-bridge'

install-ext:
	$(MAKE) EXTENSION_ONLY=1 install

uninstall: uninstall-bridge
uninstall-bridge:
	rm -f '$(DESTDIR)$(PREFIX)/bin/dbstream-bridge'

# ---- unit tests: everything under sanitizers --------------------------------------

# Each test/unit/test_*.c is one program; it is linked with whatever it uses of the bridge and of libdbstream.
UNIT_BUILD = build/unit
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
UNIT_CFLAGS = $(subst -O2 -g,-O1 -g,$(BRIDGE_CFLAGS)) $(SANITIZE) -Imysql_bridge
UNIT_SOURCES = $(filter-out mysql_bridge/main.c,$(BRIDGE_SOURCES))
UNIT_OBJS = $(patsubst %.c,$(UNIT_BUILD)/%.o,$(UNIT_SOURCES))
UNIT_PROGRAMS = $(patsubst test/unit/%.c,$(UNIT_BUILD)/%,$(wildcard test/unit/test_*.c))

unit-build: $(UNIT_PROGRAMS)

unit: unit-build
	@for program in $(UNIT_PROGRAMS); do echo "$$program"; DBSTREAM_TEST_DATA=$(CURDIR)/test/data $$program || exit 1; done

$(UNIT_BUILD)/libunit.a: $(UNIT_OBJS)
	@rm -f $@
	ar rcs $@ $^

$(UNIT_BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_BUILD)/test_%: test/unit/test_%.c $(UNIT_BUILD)/libunit.a
	$(CC) $(UNIT_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(UNIT_BUILD)/libunit.a -lcmocka $(BRIDGE_LIBS)

-include $(UNIT_OBJS:.o=.d) $(UNIT_PROGRAMS:=.d)

# ---- fuzzing: libFuzzer, so clang ---------------------------------------------------

FUZZ_BUILD = build/fuzz
FUZZ_SECONDS ?= 60
FUZZ_PROGRAMS = $(patsubst test/fuzz/%.c,$(FUZZ_BUILD)/%,$(wildcard test/fuzz/fuzz_*.c))

fuzz: $(FUZZ_PROGRAMS) $(FUZZ_BUILD)/fuzz_ddl.words
	@for program in $(FUZZ_PROGRAMS); do \
		name=$$(basename $$program); mkdir -p $(FUZZ_BUILD)/corpus/$$name; \
		echo "$$name: $(FUZZ_SECONDS) seconds"; \
		words=$(FUZZ_BUILD)/$${name}.words; \
		$$program -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(FUZZ_BUILD)/$$name- \
			$$(test ! -e $$words || echo -dict=$$words) \
			$(FUZZ_BUILD)/corpus/$$name $$(ls -d test/data/$$name 2>/dev/null || echo test/data/$${name#fuzz_}) || exit 1; \
	done

$(FUZZ_BUILD)/%: test/fuzz/%.c $(LIB_SOURCES)
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -D_GNU_SOURCE -Ilibdbstream -Imysql_bridge -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $^

# ---- programs of the benchmark ----------------------------------------------------

BENCH_BUILD = build/bench
# What the programs replace of the bridge: its main function, and its outbox by one that throws bytes away.
BENCH_OBJS = $(filter-out %/main.o %/outbox.o,$(BRIDGE_OBJS))

bench-programs: $(BENCH_BUILD)/latency $(BENCH_BUILD)/binlog_dump $(BENCH_BUILD)/row_decode $(BENCH_BUILD)/row_literals

$(BENCH_BUILD)/latency: bench/latency.c
	@mkdir -p $(@D)
	$(CC) $(BRIDGE_CFLAGS) -o $@ $< $(BRIDGE_LIBS)

$(BENCH_BUILD)/libbridge.a: $(BENCH_OBJS)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(BENCH_BUILD)/binlog_dump: tools/binlog_dump.c $(BENCH_BUILD)/libbridge.a
	$(CC) $(BRIDGE_CFLAGS) -Imysql_bridge -o $@ $^ $(BRIDGE_LIBS)

$(BENCH_BUILD)/row_decode: bench/row_decode.c $(BENCH_BUILD)/libbridge.a
	$(CC) $(BRIDGE_CFLAGS) -Imysql_bridge -o $@ $^ $(BRIDGE_LIBS)

$(BENCH_BUILD)/row_literals: bench/row_literals.c $(BENCH_BUILD)/libbridge.a
	$(CC) $(BRIDGE_CFLAGS) -Imysql_bridge -o $@ $^ $(BRIDGE_LIBS)

# The reader of the binary log, and what it uses of the bridge.
BINLOG_SOURCES = $(patsubst %,mysql_bridge/%.c,binlog_event binlog_place binlog_reader binlog_rows binlog_statement \
	binlog_transaction binlog_xa charset charset_map client_library compressed_event cut_transaction decimal failure \
	gtid_mariadb gtid_mysql json_binary mysql_connection row_image row_value source_table table_cache table_map \
	temporal time_zone transaction_payload wire_transaction xa_list)

$(FUZZ_BUILD)/fuzz_binlog: test/fuzz/fuzz_binlog.c $(BINLOG_SOURCES) $(LIB_SOURCES)
	@mkdir -p $(@D)
	clang $(subst -O2 -g,-O1 -g,$(BRIDGE_CFLAGS)) -Imysql_bridge -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $^ $(BRIDGE_LIBS)

# What the translator of MySQL's text is made of. It needs nothing of the server: fuzz_ddl.c stands in for palloc and List.
DDL_TRANSLATOR_SOURCES = $(wildcard pg_dbstream/ddl_parse*.c pg_dbstream/ddl_pg_*.c) \
	$(patsubst %,pg_dbstream/ddl_%.c,class function known lexer names print translate)

# The words that the parser knows, so that the fuzzer need not find each one by chance.
$(FUZZ_BUILD)/fuzz_ddl.words: $(DDL_TRANSLATOR_SOURCES)
	@mkdir -p $(@D)
	cat $^ | grep -ohE '"[A-Za-z_][A-Za-z_ ]{1,30}"' | sort -u > $@

$(FUZZ_BUILD)/fuzz_ddl: test/fuzz/fuzz_ddl.c $(DDL_TRANSLATOR_SOURCES) libdbstream/name.c libdbstream/utf8.c
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -D_GNU_SOURCE -Wno-everything -Ilibdbstream -Ipg_dbstream \
		-I$(shell $(PG_CONFIG) --includedir-server) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $^

# ---- looking after the source -------------------------------------------------------

FORMAT_FILES = $(wildcard libdbstream/*.[ch] mysql_bridge/*.[ch] pg_dbstream/*.[ch] pg_dbstream/*/*.[ch] \
	test/unit/*.[ch] test/fuzz/*.[ch])

format:
	clang-format -i $(FORMAT_FILES)

lint:
	tools/lint

# ---- tests, demo, benchmark: private servers in a temporary folder --------------------

setup:
	tools/setup_debian

# Tests with MySQL are skipped, and say so, where it cannot be had.
test: setup
	tools/get_mysql --dev || true
	test/run

check-sql isolation tap: all
	test/run $(if $(filter check-sql,$@),sql,$@) $(TESTS)

demo: setup
	demo/run

bench: setup
	bench/run

clean: clean-bridge
clean-bridge:
	rm -rf build
	rm -f libdbstream/*.[od] pg_dbstream/*.[od] pg_dbstream/*/*.[od] dbstream.so

help:
	@sed -n '2,6s/^# *//p' Makefile

.PHONY: bridge bridge-needs install-bridge install-ext uninstall-bridge unit unit-build fuzz format lint setup test \
	check-sql isolation tap demo bench bench-programs clean-bridge help
