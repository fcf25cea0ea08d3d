# SPDX-License-Identifier: ISC
# GNU make. `make help` lists the targets.
#
#   VARIANT=release   (the default), asan, tsan or coverage: a set of flags; built in build/VARIANT/
#   PREFIX, DESTDIR   where `make install` puts things
#   WERROR=-Werror    warnings are errors, as in CI

VERSION = 0.1.0
SOVERSION = 0

PREFIX ?= /usr/local
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/latchd
SYSCONFDIR = /etc
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR = $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR = $(PREFIX)/share/fish/vendor_completions.d
UNITDIR = $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)

VARIANT = release
B = build/$(VARIANT)
WERROR =
# V=1 shows the commands.
Q = $(if $(V),,@)
say = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %-5s %s\n' $(1) $@)

# Flags. -O3 and link-time optimisation spare a fifth of a pipelined request; fat objects keep libdsock.a usable
# without the latter. Vectorised copies of two words stall behind the two stores that they read: a twentieth of an
# acquire. CFLAGS and LDFLAGS are the packager's and come last.
IS_GCC := $(if $(findstring clang,$(CC)),,yes)
FLAGS_release = -O3 -fno-tree-slp-vectorize -g $(if $(IS_GCC),-flto=auto -ffat-lto-objects) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fstack-clash-protection -fcf-protection
FLAGS_asan = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan = -O1 -g -fno-omit-frame-pointer -fsanitize=thread
FLAGS_coverage = -O0 -g --coverage -fprofile-update=atomic
FLAGS = $(FLAGS_$(VARIANT))

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 $(WERROR)
DEFINES = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"'
PC := $(shell pkg-config --cflags libbsd-overlay inih libsodium 2>/dev/null)
PC_SYSTEMD := $(shell pkg-config --exists libsystemd 2>/dev/null && \
	echo -DHAVE_LIBSYSTEMD $$(pkg-config --cflags libsystemd))
PC_CLIENT := $(shell pkg-config --cflags jansson 2>/dev/null)
COMPILE = $(CC) -std=gnu11 $(DEFINES) -fvisibility=hidden -fPIC $(WARNINGS) $(PC) -Ilib -MMD -MP $(FLAGS) $(CFLAGS)
LINK = $(CC) $(FLAGS) $(CFLAGS) -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIB_LIBS := $(shell pkg-config --libs libbsd-overlay 2>/dev/null)
LIBS := $(LIB_LIBS) $(shell pkg-config --libs inih libsodium 2>/dev/null) \
	$(shell pkg-config --libs libsystemd 2>/dev/null) -pthread

CLIENT_LIBS := $(LIB_LIBS) $(shell pkg-config --libs inih jansson ncursesw 2>/dev/null)

objects = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
# The platform: linux, or bsd for the BSDs and macOS.
PLATFORM := $(if $(filter Linux,$(shell uname -s)),linux,bsd)
NOT_PLATFORM = $(if $(filter linux,$(PLATFORM)),lib/bsd.c lib/kqueue.c,lib/linux.c lib/epoll.c)
LIB_OBJ = $(patsubst %.c,$(B)/%.o,$(filter-out $(NOT_PLATFORM),$(wildcard lib/*.c)))
DAEMON_OBJ = $(call objects,daemon)
CLIENT_OBJ = $(call objects,client)
# What the unit tests and the fuzzers link: all but main.
PARTS_OBJ = $(filter-out $(B)/daemon/main.o,$(DAEMON_OBJ)) $(LIB_OBJ)
# The same of the client, for tests/unit/test_client_*.
CLIENT_PARTS_OBJ = $(filter-out $(B)/client/main.o,$(CLIENT_OBJ)) $(LIB_OBJ)

UNIT_TESTS = $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
UNIT_SUPPORT = $(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)))
# The simulated kernel stands between the unmodified objects and these calls.
SIM_TESTS = $(patsubst %.c,$(B)/%,$(wildcard tests/sim/test_*.c))
SIM_SUPPORT = $(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard tests/sim/test_*.c),$(wildcard tests/sim/*.c)))
SIM_CALLS = recv read readv send sendmsg write writev close socket bind listen accept4 connect pipe fcntl shutdown \
	getsockname getpeername getsockopt setsockopt epoll_create1 epoll_ctl epoll_wait poll clock_gettime signalfd \
	arc4random_buf malloc calloc realloc reallocarray recallocarray strdup free __recv_chk __read_chk __poll_chk \
	commands_run session_fini
# The calls whose failure, and whose being the last, the file of the fencing tokens is tested with.
FENCE_CALLS = open openat read __read_chk write fsync close renameat unlinkat flock pthread_create
FUZZERS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
BENCH_PROGRAMS = build/release/bench/floor build/release/bench/load
MAN_PAGES = $(wildcard man/*.[1-8])
EXAMPLES = $(patsubst %,$(B)/lib/examples/%,echo chat kv pipeline)
C_FILES = $(wildcard lib/*.[ch] lib/examples/*.[ch] daemon/*.[ch] client/*.[ch] bench/*.[ch] bench/*/*.[ch] \
	$(addsuffix /*.[ch],tests/unit tests/fuzz tests/danga tests/sim tests/kqueue tests/model))
SHELL_FILES = $(wildcard tests/*.sh tests/*/*.sh tests/*.bash tests/*/*.bash tests/*.bats bench/*.sh bench/*/*.sh completions/*.bash) .ci/run

.PHONY: bench-lib bench-lib-programs all run test check check-systemd check-kqueue soak-exclusion check-model soak soak-run \
	fuzz bench lint analyze format format-check coverage man install uninstall dist \
	clean deps deps-run deps-test deps-lint deps-systemd help compile_commands.json programs-for-tests
.DELETE_ON_ERROR:

all: $(B)/latchd $(B)/latch $(B)/libdsock.a $(B)/libdsock.so $(B)/dsock.pc

help:
	@echo 'run            installs what is missing, builds, runs latchd in the foreground'
	@echo 'test           installs what is missing, builds, passes the tests'
	@echo 'all            builds (VARIANT=release, asan, tsan, coverage)'
	@echo 'check          the tests alone, with what is installed (VARIANT, DSOCK_BACKEND=poll)'
	@echo 'check-systemd  the units under a real systemd of their own (root)'
	@echo 'check-kqueue   the kqueue back end, over an emulation of kqueue(2) where there is none'
	@echo 'soak-exclusion the live test of mutual exclusion for SOAK_SECONDS (600)'
	@echo 'check-model    the lock table beside a naive reference, some million random steps; soak: a billion (SOAK_STEPS)'
	@echo 'soak-run       SOAK_RUNS (20000) short runs of a command under one lock, killed at random'
	@echo 'fuzz           each fuzzer for FUZZ_SECONDS (60)'
	@echo 'bench          CPU per request and memory beside the bare minimum, redis and memcached'
	@echo 'bench-lib      libdsock beside libev, libuv, libevent and Danga::Socket: docs/bench-lib.md'
	@echo 'lint           clang-tidy, cppcheck, shellcheck, mandoc; format-check; analyze (gcc -fanalyzer)'
	@echo 'format         clang-format'
	@echo 'coverage       lines and branches that the tests reach'
	@echo 'install        PREFIX=/usr/local, DESTDIR= ; uninstall; dist; clean'

SHELL = /bin/bash

# What a newcomer types.

run: deps-run
	@$(MAKE) --no-print-directory all
	exec $(B)/latchd -c conf/latchd.ini

test: deps-run deps-test
	@$(MAKE) --no-print-directory check

check: all programs-for-tests
	@VARIANT=$(VARIANT) tests/run.sh $(abspath $(B))

programs-for-tests: $(UNIT_TESTS) $(SIM_TESTS) $(EXAMPLES) $(B)/tests/danga/scenario

# Packages: asked for only where one is really missing.

DEPS_RUN = gcc libc6-dev pkg-config libinih-dev libbsd-dev libsodium-dev libsystemd-dev libjansson-dev libncurses-dev
DEPS_TEST = bats libcmocka-dev netcat-openbsd socat perl libdanga-socket-perl python3 procps strace iproute2 diffutils faketime \
	tmux ncurses-base zsh fish
DEPS_SYSTEMD = systemd util-linux mount coreutils
DEPS_LINT = clang clang-tidy clang-format cppcheck shellcheck mandoc libclang-rt-14-dev gcovr

deps: deps-run deps-test deps-lint deps-systemd
deps-run:
	@tests/deps.sh $(DEPS_RUN)
deps-test:
	@tests/deps.sh $(DEPS_TEST)
deps-systemd:
	@tests/deps.sh $(DEPS_SYSTEMD)
deps-lint:
	@tests/deps.sh $(DEPS_LINT)

# Building.

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(COMPILE) $(if $(filter daemon/%,$<),$(PC_SYSTEMD)) $(if $(filter client/%,$<),$(PC_CLIENT)) $(if $(filter tests/%,$<),-Idaemon) -c -o $@ $<

$(B)/libdsock.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)
	$(Q)$(if $(IS_GCC),gcc-ar,ar) rcs $@ $^

$(B)/libdsock.so.$(SOVERSION): $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -shared -Wl,-soname,libdsock.so.$(SOVERSION) -o $@ $^ $(LIB_LIBS)

$(B)/libdsock.so: $(B)/libdsock.so.$(SOVERSION)
	@ln -sf libdsock.so.$(SOVERSION) $@

$(B)/dsock.pc: lib/dsock.pc.in Makefile
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' $< >$@

$(B)/latchd: $(DAEMON_OBJ) $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -pie -o $@ $^ $(LIBS)

$(B)/tests/unit/test_fence_faults: LINK += -fno-lto $(FENCE_CALLS:%=-Wl,--wrap=%)

$(B)/latch: $(CLIENT_OBJ) $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -pie -o $@ $^ $(CLIENT_LIBS)

$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(UNIT_SUPPORT) $(PARTS_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(LIBS) -lcmocka

$(B)/tests/unit/test_client_%: $(B)/tests/unit/test_client_%.o $(UNIT_SUPPORT) $(CLIENT_PARTS_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(CLIENT_LIBS) -lcmocka

$(B)/tests/sim/test_%: $(B)/tests/sim/test_%.o $(SIM_SUPPORT) $(PARTS_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -fno-lto $(SIM_CALLS:%=-Wl,--wrap=%) -o $@ $^ $(LIBS) -lcmocka

$(B)/tests/model/model: $(call objects,tests/model) $(PARTS_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(B)/tests/danga/scenario: $(B)/tests/danga/scenario.o $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(LIB_LIBS)

$(B)/lib/examples/echo $(B)/lib/examples/pipeline: $(B)/lib/examples/%: $(B)/lib/examples/%.o $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(LIB_LIBS)

$(B)/lib/examples/chat $(B)/lib/examples/kv: $(B)/lib/examples/%: $(B)/lib/examples/%.o \
		$(B)/lib/examples/lineserver.o $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(LIB_LIBS)

.SECONDARY:
-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

# Long and short checks beyond the tests.

check-systemd: all
	tests/systemd/run.sh $(abspath $(B))

# The lock table beside a naive reference: most steps without a sanitizer, since they are the faster ones.
MODEL_STEPS ?= 12000000
MODEL_ASAN_STEPS ?= 1000000
check-model:
	@$(MAKE) --no-print-directory build/release/tests/model/model
	@$(MAKE) --no-print-directory VARIANT=asan build/asan/tests/model/model
	@tests/model/run.sh $(MODEL_STEPS) $(MODEL_ASAN_STEPS)

SOAK_STEPS ?= 1000000000
soak:
	@$(MAKE) --no-print-directory build/release/tests/model/model
	build/release/tests/model/model --steps $(SOAK_STEPS)

FUZZ_SECONDS ?= 60
FUZZ_FLAGS = -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
build/fuzz/%: tests/fuzz/%.c $(filter-out daemon/main.c,$(wildcard daemon/*.c)) \
		$(filter-out $(NOT_PLATFORM),$(wildcard lib/*.c)) $(wildcard daemon/*.h lib/*.h)
	@mkdir -p $(@D)
	clang -std=gnu11 $(DEFINES) $(PC) $(PC_SYSTEMD) -Ilib -Idaemon $(FUZZ_FLAGS) -o $@ $(filter %.c,$^) $(LIBS)

check-kqueue:
	tests/kqueue/run.sh

# Processes that contend for locks, are killed and stopped, for as long as one likes.
SOAK_SECONDS ?= 600
soak-exclusion: all
	EXCLUSION_SECONDS=$(SOAK_SECONDS) BUILD=$(abspath $(B)) bats --filter live tests/exclusion.bats

SOAK_RUNS ?= 20000
soak-run: all
	RUN_RACE_RUNS=$(SOAK_RUNS) BUILD=$(abspath $(B)) bats --tap -f 'short runs while' tests/run_kill.bats

fuzz: $(FUZZERS)
	@set -e; for f in $(FUZZERS); do \
		mkdir -p $$f.corpus; \
		seeds=tests/fuzz/$$(basename $$f).seeds; \
		echo "$$f: $(FUZZ_SECONDS) s"; \
		dict=tests/fuzz/$$(basename $$f).dict; \
		$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f. -verbosity=0 -print_final_stats=1 \
			$$(test -f $$dict && echo -dict=$$dict) $$f.corpus $$(ls -d $$seeds 2>/dev/null) 2>&1 | \
			grep -E 'ERROR|SUMMARY|stat::(number|new)|Test unit' ; \
		test $${PIPESTATUS[0]} = 0; \
	done

build/release/bench/%: bench/%.c $(filter-out bench/floor.c bench/load.c,$(wildcard bench/*.c)) $(wildcard bench/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(DEFINES) $(WARNINGS) $(PC) -O2 -g -o $@ \
		$(if $(filter %floor,$@),$<,$(filter %.c,$^)) $(LIB_LIBS)

bench: $(BENCH_PROGRAMS)
	@$(MAKE) --no-print-directory VARIANT=release all
	bench/run.sh build/release/latchd build/release/bench

# What others are compared with: built where it is installed.
has = $(shell echo '\#include <$(1)>' | $(CC) -E - >/dev/null 2>&1 && echo $(2))
BENCH_LIBS = dsock $(call has,ev.h,libev) $(call has,uv.h,libuv) $(call has,event2/event.h,libevent)
BL = build/release/bench/lib
BENCH_COMPILE = $(CC) -std=gnu11 $(DEFINES) $(WARNINGS) $(PC) -Ilib $(FLAGS_release)

bench-lib-programs: $(LIB_OBJ) $(BENCH_PROGRAMS)
	@mkdir -p $(BL)
	@set -e; for l in $(BENCH_LIBS); do \
		case $$l in dsock) libs='$(LIB_OBJ)' ;; libev) libs=-lev ;; libuv) libs=-luv ;; libevent) libs=-levent ;; esac; \
		echo "  $$l"; \
		$(BENCH_COMPILE) -o $(BL)/$$l bench/lib/$$l.c bench/lib/answer.c $$libs $(LIB_LIBS); \
		$(BENCH_COMPILE) -o $(BL)/pipes_$$l bench/lib/pipes_$$l.c bench/lib/pipes.c $$libs $(LIB_LIBS); \
	done
	$(BENCH_COMPILE) -o $(BL)/timers bench/lib/timers.c $(LIB_OBJ) $(LIB_LIBS)

# The others, for this comparison only: apt-get install libev-dev libuv1-dev libevent-dev libdanga-socket-perl gnuplot-nox
bench-lib: bench-lib-programs
	@mkdir -p docs
	BENCH_OUT=$(or $(BENCH_OUT),docs/bench-lib.md) BENCH_SVG=$(or $(BENCH_SVG),docs/bench-lib.svg) \
		bench/lib/run.sh build/release/bench

lint: compile_commands.json
	clang-tidy -p . --quiet $(filter-out $(NOT_PLATFORM) tests/% bench/%,$(filter %.c,$(C_FILES)))
	@mkdir -p build/cppcheck/sys && ln -sf /usr/include/bsd/sys/queue.h /usr/include/bsd/sys/tree.h build/cppcheck/sys/
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
		--suppress=missingIncludeSystem --library=posix,gnu,bsd -Ibuild/cppcheck -Ilib -Idaemon $(filter-out $(NOT_PLATFORM),$(wildcard lib/*.c)) \
		$(wildcard daemon/*.c)
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
		--suppress=missingIncludeSystem --library=posix,gnu,bsd -Ibuild/cppcheck -Ilib $(wildcard client/*.c)
	shellcheck -x $(SHELL_FILES)
	tests/manlint.sh $(MAN_PAGES)

# GCC 12 takes a pointer that is stored in a caller's struct for a leak; AddressSanitizer looks for real ones.
analyze:
	@set -e; for f in $(filter-out $(NOT_PLATFORM),$(wildcard lib/*.c)) $(wildcard daemon/*.c client/*.c); do \
		gcc -std=gnu11 $(DEFINES) $(PC) $(PC_SYSTEMD) $(PC_CLIENT) -Ilib -O2 -fanalyzer -Wno-analyzer-malloc-leak \
			-Werror -c -o /dev/null $$f; done

format:
	clang-format -i $(C_FILES)

format-check:
	clang-format --dry-run --Werror $(C_FILES)

compile_commands.json:
	@tests/compile_commands.sh '$(subst ','\'',$(CC) -std=gnu11 $(DEFINES) $(WARNINGS) $(PC) $(PC_SYSTEMD) $(PC_CLIENT) -Ilib -Idaemon)' \
		$(filter %.c,$(C_FILES)) >$@

# Both back ends, since each is a part of it.
coverage:
	@$(MAKE) --no-print-directory VARIANT=coverage all programs-for-tests
	find build/coverage -name '*.gcda' -delete
	$(MAKE) --no-print-directory VARIANT=coverage check
	DSOCK_BACKEND=poll $(MAKE) --no-print-directory VARIANT=coverage check
	gcovr --root . --filter lib/ --exclude lib/examples --print-summary build/coverage
	gcovr --root . --filter daemon/ --print-summary build/coverage
	gcovr --root . --filter client/ --print-summary build/coverage

# Installing.

man:
	@for page in $(MAN_PAGES); do echo $$page; done

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(DOCDIR) \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR) $(addprefix $(DESTDIR)$(MANDIR)/man,1 3 5 7 8) \
		$(addprefix $(DESTDIR),$(BINDIR) $(BASHCOMPDIR) $(ZSHCOMPDIR) $(FISHCOMPDIR))
	install -m 755 $(B)/latchd $(DESTDIR)$(SBINDIR)/latchd
	install -m 755 $(B)/latch $(DESTDIR)$(BINDIR)/latch
	install -m 644 completions/latch.bash $(DESTDIR)$(BASHCOMPDIR)/latch
	install -m 644 completions/_latch $(DESTDIR)$(ZSHCOMPDIR)/_latch
	install -m 644 completions/latch.fish $(DESTDIR)$(FISHCOMPDIR)/latch.fish
	install -m 644 $(B)/libdsock.a $(DESTDIR)$(LIBDIR)/libdsock.a
	install -m 755 $(B)/libdsock.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libdsock.so.$(VERSION)
	ln -sf libdsock.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libdsock.so.$(SOVERSION)
	ln -sf libdsock.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libdsock.so
	install -m 644 lib/dsock.h $(DESTDIR)$(INCLUDEDIR)/dsock.h
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' lib/dsock.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/dsock.pc
	for page in $(MAN_PAGES); do \
		install -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/ || exit 1; done
	install -m 644 README.md LICENSE conf/latchd.ini conf/latch.ini $(DESTDIR)$(DOCDIR)/
	for ini in latchd.ini latch.ini; do \
		test -e $(DESTDIR)$(SYSCONFDIR)/$$ini || \
			install -m 644 conf/$$ini $(DESTDIR)$(SYSCONFDIR)/$$ini || exit 1; done
	sed -e 's|@SBINDIR@|$(SBINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' systemd/latchd.service \
		>$(DESTDIR)$(UNITDIR)/latchd.service
	install -m 644 systemd/latchd.socket $(DESTDIR)$(UNITDIR)/latchd.socket
	@test -n "$(DESTDIR)" || ldconfig 2>/dev/null || true

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/latchd $(DESTDIR)$(BINDIR)/latch $(DESTDIR)$(BASHCOMPDIR)/latch \
		$(DESTDIR)$(ZSHCOMPDIR)/_latch $(DESTDIR)$(FISHCOMPDIR)/latch.fish $(DESTDIR)$(INCLUDEDIR)/dsock.h $(DESTDIR)$(LIBDIR)/pkgconfig/dsock.pc \
		$(DESTDIR)$(LIBDIR)/libdsock.a $(DESTDIR)$(LIBDIR)/libdsock.so $(DESTDIR)$(LIBDIR)/libdsock.so.$(SOVERSION) \
		$(DESTDIR)$(LIBDIR)/libdsock.so.$(VERSION) $(DESTDIR)$(UNITDIR)/latchd.service \
		$(DESTDIR)$(UNITDIR)/latchd.socket $(addprefix $(DESTDIR)$(DOCDIR)/,README.md LICENSE latchd.ini latch.ini)
	for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	-rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null
	@echo '$(SYSCONFDIR)/latchd.ini and latch.ini stay'

dist:
	git archive --format=tar.gz --prefix=latchd-$(VERSION)/ -o latchd-$(VERSION).tar.gz HEAD

clean:
	rm -rf build compile_commands.json latchd-*.tar.gz
