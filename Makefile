# SPDX-License-Identifier: ISC
# GNU make. `make help` lists the targets.
#
#   VARIANT=release (default), asan or tsan: a set of flags, built in build/VARIANT/
#   PREFIX, DESTDIR: where `make install` puts things

VERSION = 0.1.0
SOVERSION = 0

PREFIX ?= /usr/local
BINDIR = $(PREFIX)/bin
SBINDIR = $(PREFIX)/sbin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/latchd
SYSCONFDIR = /etc
UNITDIR = $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)

VARIANT = release
B = build/$(VARIANT)
WERROR =

CFLAGS ?= -O2 -g
FLAGS_release = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection
FLAGS_asan = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan = -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS_coverage = -O0 --coverage
FLAGS = $(FLAGS_$(VARIANT))

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 $(WERROR)
PC = $(shell pkg-config --cflags libbsd-overlay inih libsodium 2>/dev/null)
SYSTEMD_PC = $(shell pkg-config --exists libsystemd 2>/dev/null && echo -DHAVE_LIBSYSTEMD $$(pkg-config --cflags libsystemd))
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	-fvisibility=hidden -fPIC $(WARNINGS) $(FLAGS) $(PC) -Ilib -MMD -MP
LDFLAGS_ALL = $(FLAGS) -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS_LIB = $(shell pkg-config --libs libbsd-overlay 2>/dev/null)
LIBS = $(LIBS_LIB) $(shell pkg-config --libs inih libsodium 2>/dev/null) $(shell pkg-config --libs libsystemd 2>/dev/null)

LIB_SRC = $(wildcard lib/*.c)
LIB_OBJ = $(LIB_SRC:%.c=$(B)/%.o)
DAEMON_SRC = $(wildcard daemon/*.c)
DAEMON_OBJ = $(DAEMON_SRC:%.c=$(B)/%.o)
# All of the daemon but its main, for the unit tests and the fuzzers.
DAEMON_PARTS = $(filter-out $(B)/daemon/main.o,$(DAEMON_OBJ))

.PHONY: all run help
all: $(B)/latchd $(B)/libdsock.a $(B)/libdsock.so

help:
	@echo 'make run           what is missing is installed, then: build, run latchd in the foreground'
	@echo 'make test          the same, then all tests'
	@echo 'make all           build only (VARIANT=asan: with the sanitizers)'

run: deps
	@$(MAKE) --no-print-directory all
	$(B)/latchd -c conf/latchd.ini

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(if $(filter daemon/%,$<),$(SYSTEMD_PC)) -c -o $@ $<

$(B)/libdsock.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libdsock.so: $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,libdsock.so.$(SOVERSION) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_LIB)

$(B)/latchd: $(DAEMON_OBJ) $(B)/libdsock.a
	$(CC) $(LDFLAGS_ALL) -pie -o $@ $^ $(LIBS)

-include $(shell find build/$(VARIANT) -name '*.d' 2>/dev/null)
